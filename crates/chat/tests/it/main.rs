//! The life of an answer, on real PostgreSQL (a database for each test), real Redis, a
//! real Ollama, and for what a real one won't do on demand a model server of our own.

mod faults;
mod fixture;
mod life;
mod model;
mod replicas;
