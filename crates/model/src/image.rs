//! The image: a compiled pipeline as immutable bytes with a version, named by its digest.
//!
//! The digest is not of these bytes: it is taken of the checked program (specification, section
//! 13), so a better optimizer or a newer byte format renames nothing.

use std::fmt;

use crate::{Digest, Plan};

/// First bytes of every image.
const MAGIC: &[u8; 4] = b"TGI\0";
/// The version of the byte format that this build writes.
pub const IMAGE_VERSION: u8 = 1;

/// A compiled pipeline. Its plan is valid: see [`Plan`].
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name.
    pub digest: Digest,
    /// What runs.
    pub plan: Plan,
}

/// Why bytes are not an image that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFault {
    /// The bytes do not begin like an image.
    NotAnImage,
    /// A version that this build does not know.
    Version(u8),
    /// The bytes are cut off or damaged.
    Malformed,
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageFault::NotAnImage => f.write_str("these bytes are no Tidegate image"),
            ImageFault::Version(version) => write!(
                f,
                "the image has format version {version}, this build reads {IMAGE_VERSION}"
            ),
            ImageFault::Malformed => f.write_str("the image is damaged"),
        }
    }
}

impl std::error::Error for ImageFault {}

impl Image {
    /// The bytes of this image: `TGI\0`, the version, the digest, and the plan in postcard's
    /// encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend(MAGIC);
        bytes.push(IMAGE_VERSION);
        bytes.extend(self.digest.0);
        postcard::to_extend(&self.plan, bytes).unwrap_or_default()
    }

    /// Reads an image. Damaged or hostile bytes give a fault, never a plan that cannot be run.
    pub fn decode(bytes: &[u8]) -> Result<Image, ImageFault> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(ImageFault::NotAnImage)?;
        let (&version, rest) = rest.split_first().ok_or(ImageFault::NotAnImage)?;
        if version != IMAGE_VERSION {
            return Err(ImageFault::Version(version));
        }
        let (digest, rest) = rest.split_first_chunk::<32>().ok_or(ImageFault::Malformed)?;
        let plan: Plan = postcard::from_bytes(rest).map_err(|_| ImageFault::Malformed)?;
        plan.validate()
            .then_some(Image { digest: Digest(*digest), plan })
            .ok_or(ImageFault::Malformed)
    }
}
