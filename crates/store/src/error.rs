//! Why a data folder cannot be opened, and what its owner can do about it.

use std::fmt;
use std::path::PathBuf;

/// Why a store cannot be opened. Nothing was changed in its folder.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    Locked {
        /// The data folder.
        folder: PathBuf,
    },
    /// A newer version of Tidegate wrote it.
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this build reads.
        supported: i64,
    },
    /// The file is another program's database.
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// The file is no database, or a damaged one.
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        cause: String,
    },
    /// This user may not write there.
    NotPermitted {
        /// The folder or file.
        path: PathBuf,
    },
    /// Anything else: a full disk, a file where the folder should be.
    Unusable {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked { folder } => write!(
                f,
                "The data folder {} is in use by another tidegate process. Stop that one first, \
                 or choose another folder with --data.",
                folder.display()
            ),
            OpenError::Newer { path, found, supported } => write!(
                f,
                "{} was written by a newer version of tidegate (its format is {found}, this \
                 version reads up to {supported}). Use that version, or choose another folder \
                 with --data.",
                path.display()
            ),
            OpenError::Foreign { path } => write!(
                f,
                "{} is a database, but not one of tidegate. Move it away, or choose another \
                 folder with --data.",
                path.display()
            ),
            OpenError::Damaged { path, cause } => write!(
                f,
                "{} is not a database, or it is damaged ({cause}). Restore it from a backup, or \
                 choose another folder with --data.",
                path.display()
            ),
            OpenError::NotPermitted { path } => write!(
                f,
                "This user may not read and write {}. Change its owner or permissions, or choose \
                 another folder with --data.",
                path.display()
            ),
            OpenError::Unusable { path, cause } => {
                write!(f, "The data folder cannot be used: {}: {cause}.", path.display())
            }
        }
    }
}

impl std::error::Error for OpenError {}
