//! What only a database in a file can meet, seen from outside.

mod full_disk;
