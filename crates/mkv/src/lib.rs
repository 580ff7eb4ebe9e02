//! An incremental EBML/Matroska reader and writer
