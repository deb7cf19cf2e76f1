//! Cursors: where a list goes on, sealed with the filters it belongs to.
//!
//! The seal is no secret: it tells a cursor of another list, or one that was garbled, from one that fits.

use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::problem::Refusal;

const SEAL_BYTES: usize = 8;

/// Writes the position after which the list named by `scope` goes on.
pub(super) fn seal(scope: &str, position: &[u8]) -> String {
    let bytes = position.iter().copied().chain(seal_of(scope, position));
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Reads the position from a cursor of the list named by `scope`.
pub(super) fn open(scope: &str, cursor: &str) -> Result<Vec<u8>, Refusal> {
    position_of(scope, cursor).ok_or_else(foreign)
}

/// Reads an id from a cursor of the list named by `scope`.
pub(super) fn open_id<T: FromStr>(scope: &str, cursor: &str) -> Result<T, Refusal> {
    let position = open(scope, cursor)?;
    std::str::from_utf8(&position).ok().and_then(|text| text.parse().ok()).ok_or_else(foreign)
}

/// Reads a number from a cursor of the list named by `scope`.
pub(super) fn open_number(scope: &str, cursor: &str) -> Result<u64, Refusal> {
    open(scope, cursor)?.try_into().map(u64::from_be_bytes).map_err(|_| foreign())
}

/// Refuses a cursor that this list did not give.
pub(super) fn foreign() -> Refusal {
    Refusal::invalid("cursor", "is not one that this list, with these filters, has given")
}

fn position_of(scope: &str, cursor: &str) -> Option<Vec<u8>> {
    let mut bytes = bytes_of(cursor)?;
    let seal = bytes.split_off(bytes.len().checked_sub(SEAL_BYTES)?);
    (seal == seal_of(scope, &bytes)).then_some(bytes)
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

fn seal_of(scope: &str, position: &[u8]) -> [u8; SEAL_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update(scope.as_bytes());
    hasher.update([0]);
    hasher.update(position);
    let mut seal = [0; SEAL_BYTES];
    seal.copy_from_slice(&hasher.finalize()[..SEAL_BYTES]);
    seal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_the_list_it_belongs_to() {
        let cursor = seal("orders of u-1", b"here");
        assert_eq!(open("orders of u-1", &cursor), Ok(b"here".to_vec()));
        assert!(open("orders of u-2", &cursor).is_err());
        for garbled in ["", "zz", "é", "0", &cursor[1..], &cursor[2..], &format!("{cursor}00")] {
            assert!(open("orders of u-1", garbled).is_err(), "{garbled}");
        }
    }
}
