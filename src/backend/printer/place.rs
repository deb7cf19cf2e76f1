//! Opening the place where lines go, without waiting for a reader and without harm to a file that is not ours.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

/// What every line begins with.
const BEGIN: &[u8] = br#"{"order_id""#;
/// More than the longest line has.
const LINE_BYTES_MAX: u64 = 8 * 1024;

/// Opens the place for writing at its end, and tells whether it is a file. Why it cannot be is told in words.
pub(super) fn open(path: &Path) -> Result<(File, bool), String> {
    // A pipe that nobody reads would keep a blocking open waiting for ever.
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::from_raw_mode(0o666));
    let out = File::from(opened.map_err(|error| sentence(path, error))?);
    let in_words = |error: io::Error| error.to_string();
    let is_file = out.metadata().map_err(in_words)?.is_file();
    if is_file {
        end_at_a_line(path, &out)?;
    }
    let flags = fcntl_getfl(&out).map_err(|error| in_words(error.into()))?;
    fcntl_setfl(&out, flags - OFlags::NONBLOCK).map_err(|error| in_words(error.into()))?;
    Ok((out, is_file))
}

fn sentence(path: &Path, error: Errno) -> String {
    let is_pipe = path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
    if error == Errno::NXIO && is_pipe {
        return "nobody reads this pipe; start its reader first".to_owned();
    }
    io::Error::from(error).to_string()
}

/// Cuts off a line that a crash left unfinished. A file that ends in anything else is not ours to change.
fn end_at_a_line(path: &Path, out: &File) -> Result<(), String> {
    let cut = || {
        let length = out.metadata()?.len();
        let begin = length.saturating_sub(LINE_BYTES_MAX);
        let mut tail = Vec::new();
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(begin))?;
        file.take(length - begin).read_to_end(&mut tail)?;
        let Some(whole) = whole_lines(&tail, begin == 0) else { return Ok(false) };
        let broken = (tail.len() - whole) as u64;
        if broken > 0 {
            out.set_len(length - broken)?;
        }
        Ok(true)
    };
    match cut() {
        Ok(true) => Ok(()),
        Ok(false) => Err("the file does not end with a line of order events, so it is left as it is; name another \
             file, or end this one with a newline"
            .to_owned()),
        Err(error) => Err(io::Error::to_string(&error)),
    }
}

/// How much of a file's tail is whole lines; none if what follows them is not the beginning of a line of ours.
fn whole_lines(tail: &[u8], is_all: bool) -> Option<usize> {
    let newline = tail.iter().rposition(|byte| *byte == b'\n');
    let whole = match newline {
        Some(index) => index + 1,
        None if is_all => 0,
        None => return None,
    };
    let rest = &tail[whole..];
    let is_ours = rest.starts_with(BEGIN) || BEGIN.starts_with(rest);
    is_ours.then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_ours_that_a_crash_left_unfinished_is_cut_off() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("events.jsonl");
        let (line, long) = (r#"{"order_id":"a"}"#, "x".repeat(10_000));
        let table = [
            (String::new(), Some(0)),
            (format!("{line}\n"), Some(17)),
            (format!("{line}\n{{\"ord"), Some(17)),
            (format!("{line}\n{{\"order_id\":\"b\",\"ver"), Some(17)),
            ("{\"ord".to_owned(), Some(0)),
            (line.to_owned(), Some(0)),
            (format!("{long}\n{{\"order_id\":\"b"), Some(10_001)),
            ("my notes\n".to_owned(), Some(9)),
            ("my notes".to_owned(), None),
            (format!("{line}\nmy notes"), None),
            ("{\"orders\":1}".to_owned(), None),
            (long.clone(), None),
            (format!("{line}\n{{\"order_id\":\"{long}"), None),
        ];
        for (text, kept) in table {
            std::fs::write(&path, &text).expect("a file");
            let opened = open(&path);
            assert_eq!(opened.is_ok(), kept.is_some(), "{text:.40}");
            let left = std::fs::read_to_string(&path).expect("a file");
            assert_eq!(left, text[..kept.unwrap_or(text.len())], "{text:.40}");
        }
    }

    #[test]
    fn what_is_no_file_is_told_apart() {
        let (_, is_file) = open(Path::new("/dev/null")).expect("every machine has it");
        assert!(!is_file);
        let directory = tempfile::tempdir().expect("a temporary directory");
        open(directory.path()).expect_err("a directory takes no lines");
        let (_, is_file) = open(&directory.path().join("new")).expect("it is made");
        assert!(is_file);
    }
}
