//! What only a database in a file can meet, seen from outside.

mod damage;
mod descriptors;
mod full_disk;
mod links;
mod paths;
