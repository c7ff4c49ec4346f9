//! Names of regions and datasources: a chunk numbers those of its rows, and the ingestion maps them
//! to their numbers in the database.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};

use crate::store::Error;

/// The distinct names of a chunk, in the order of their first rows.
#[derive(Debug, Default)]
pub(super) struct ChunkNames {
    names: Vec<String>,
    /// Indexes into the names.
    indexes: HashTable<u32>,
    hasher: FixedState,
    /// Index of the name that was asked for last.
    last: u32,
}

impl ChunkNames {
    /// The index of a name, which is added if it is new.
    #[inline]
    pub(super) fn index(&mut self, name: &str) -> u32 {
        if self
            .names
            .get(self.last as usize)
            .is_none_or(|last| last != name)
        {
            self.last = self.find(name);
        }
        self.last
    }

    fn find(&mut self, name: &str) -> u32 {
        let Self {
            names,
            indexes,
            hasher,
            ..
        } = self;
        let hash = hasher.hash_one(name);
        if let Some(index) = indexes.find(hash, |index| names[*index as usize] == name) {
            return *index;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a chunk has few rows")]
        let index = names.len() as u32;
        names.push(name.to_owned());
        indexes.insert_unique(hash, index, |index| {
            hasher.hash_one(names[*index as usize].as_str())
        });
        index
    }

    /// Takes the names; none remain.
    pub(super) fn take(&mut self) -> Vec<String> {
        self.indexes.clear();
        self.last = 0;
        std::mem::take(&mut self.names)
    }
}

/// The numbers in the database of the names seen so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<String, u32, FixedState>,
}

impl Names {
    /// The numbers of distinct names, in their order. `ask` numbers those that are new; it returns
    /// a number for each.
    pub(super) fn numbers(
        &mut self,
        names: &[String],
        ask: impl FnOnce(&[String]) -> Result<Vec<u32>, Error>,
    ) -> Result<Vec<u32>, Error> {
        let is_new = |name: &&String| !self.numbers.contains_key(*name);
        let new: Vec<String> = names.iter().filter(is_new).cloned().collect();
        if !new.is_empty() {
            let numbers = ask(&new)?;
            self.numbers.extend(new.into_iter().zip(numbers));
        }
        Ok(names.iter().map(|name| self.numbers[name]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_chunk_are_indexed_once() {
        let mut names = ChunkNames::default();
        for chunk in [&["a", "a", "b", "a", "c", "c"][..], &["b", "a", "b"], &[]] {
            let indexes: Vec<_> = chunk.iter().map(|name| names.index(name)).collect();
            let names = names.take();
            for (index, name) in indexes.iter().zip(chunk) {
                assert_eq!(names[*index as usize], *name);
            }
            let mut distinct = names.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), names.len());
        }
    }

    #[test]
    fn only_new_names_are_asked_for() {
        let mut names = Names::default();
        let mut numbers = |list: &[&str], new: &[&str]| {
            let list: Vec<_> = list.iter().map(|name| (*name).to_owned()).collect();
            let mut asked = Vec::new();
            let numbers = names.numbers(&list, |names| {
                asked = names.to_vec();
                Ok(names
                    .iter()
                    .map(|name| u32::from(name.as_bytes()[0]))
                    .collect())
            });
            assert_eq!(asked, new);
            numbers.unwrap()
        };
        assert_eq!(numbers(&["b", "a"], &["b", "a"]), [98, 97]);
        assert_eq!(numbers(&["a", "c", "b"], &["c"]), [97, 99, 98]);
        assert_eq!(numbers(&["c"], &[]), [99]);
    }
}
