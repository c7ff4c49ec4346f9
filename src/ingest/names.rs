//! Names: maps the regions and datasources of a file to their numbers in the database.

use hashbrown::HashMap;

use crate::store::Error;

/// Numbers of the names seen so far; new names are numbered together.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: HashMap<String, Number, foldhash::fast::FixedState>,
    fresh: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Known(u32),
    Fresh(u32),
}

/// A bit that marks the index of a name that has no number yet.
const FRESH: u32 = 1 << 31;

impl Names {
    /// The number of a name, or a marked index for [`resolve`].
    pub(super) fn id(&mut self, name: &str) -> u32 {
        match self.ids.get(name) {
            Some(Number::Known(id)) => *id,
            Some(Number::Fresh(index)) => FRESH | index,
            None => {
                // A block of rows has far fewer names than there are numbers.
                let index = u32::try_from(self.fresh.len()).unwrap_or(u32::MAX >> 1);
                self.ids.insert(name.to_owned(), Number::Fresh(index));
                self.fresh.push(name.to_owned());
                FRESH | index
            }
        }
    }

    /// Numbers the new names with `ask`. Returns their numbers, for [`resolve`].
    pub(super) fn number(
        &mut self,
        ask: impl FnOnce(&[String]) -> Result<Vec<u32>, Error>,
    ) -> Result<Vec<u32>, Error> {
        if self.fresh.is_empty() {
            return Ok(Vec::new());
        }
        let fresh = std::mem::take(&mut self.fresh);
        let numbers = ask(&fresh)?;
        for (name, &id) in fresh.into_iter().zip(&numbers) {
            self.ids.insert(name, Number::Known(id));
        }
        Ok(numbers)
    }
}

/// The number of a marked index; a number without the mark is returned unchanged.
pub(super) fn resolve(id: u32, numbers: &[u32]) -> u32 {
    if id & FRESH == 0 {
        id
    } else {
        numbers.get((id ^ FRESH) as usize).copied().unwrap_or(0)
    }
}
