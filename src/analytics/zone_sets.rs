//! Sets of zones, cached once they were read.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::geo::Polygon;
use crate::model::ZoneSet;
use crate::store::{Error, Store, ZoneSetRecord};

/// Maximum size of the zones in memory, in bytes.
const CACHE_BYTES: u64 = 256 << 20;

/// The sets of zones of a database. Clones share the cache, whose key is the number that a set has
/// until it is imported anew.
#[derive(Debug, Clone)]
pub struct ZoneSets {
    store: Store,
    sets: Arc<Cache<i64, Arc<ZoneSet>, Bytes>>,
}

#[derive(Debug, Clone, Copy)]
struct Bytes;

impl Weighter<i64, Arc<ZoneSet>> for Bytes {
    fn weight(&self, _: &i64, set: &Arc<ZoneSet>) -> u64 {
        1_000 + set.size() as u64
    }
}

impl ZoneSets {
    /// The sets of a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            sets: Arc::new(Cache::with_weighter(100, CACHE_BYTES, Bytes)),
        }
    }

    /// All sets by name.
    pub async fn all(&self) -> Result<Vec<Arc<ZoneSet>>, Error> {
        self.read(|_| true).await
    }

    /// The set of this name.
    pub async fn named(&self, name: &str) -> Result<Option<Arc<ZoneSet>>, Error> {
        Ok(self.read(|set| set.name == name).await?.pop())
    }

    /// The boundary of the zone with this identifier.
    pub async fn boundary(&self, id: &str) -> Result<Option<Arc<Polygon>>, Error> {
        let Some((set, key)) = ZoneSet::split_id(id) else {
            return Ok(None);
        };
        let set = self.named(set).await?;
        let zone = set
            .as_ref()
            .and_then(|set| set.zones().iter().find(|zone| zone.key == key));
        Ok(zone.map(|zone| Arc::clone(&zone.boundary)))
    }

    async fn read(
        &self,
        wanted: impl Fn(&ZoneSetRecord) -> bool,
    ) -> Result<Vec<Arc<ZoneSet>>, Error> {
        let snapshot = self.store.snapshot().await?;
        let mut sets = Vec::new();
        for record in snapshot.zone_sets().await? {
            if !wanted(&record) {
                continue;
            }
            let set = if let Some(set) = self.sets.get(&record.id) {
                set
            } else {
                let zones = snapshot.zones(record.id).await?;
                let set = Arc::new(ZoneSet::new(record.name, zones));
                self.sets.insert(record.id, Arc::clone(&set));
                set
            };
            sets.push(set);
        }
        snapshot.close().await;
        Ok(sets)
    }

    /// Adds a set; it replaces the one of this name.
    pub async fn add(&self, set: &ZoneSet) -> Result<(), Error> {
        self.store.add_zones(set).await
    }

    /// Removes a set; `false` if there is none of this name.
    pub async fn remove(&self, name: &str) -> Result<bool, Error> {
        self.store.remove_zones(name).await
    }
}
