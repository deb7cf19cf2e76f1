//! What is about the files and pipes of one machine. It has nothing to do with MySQL, Redis and Kafka, so it is tested on
//! the embedded stack, whatever the rest is tested on.

mod full_disk;
mod starts;
