//! A file of the state folder: read only when it is surely ours, written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

/// No file of ours is larger.
const MOST_BYTES: u64 = 1 << 20;

/// Reads a file of ours: no link, no pipe, nobody else's, not without end.
///
/// # Errors
/// When it is not there, is not ours, or cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = options().read(true).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.uid() != geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

/// Puts a file in place.
///
/// # Errors
/// When it cannot be written; the one that was there before stays.
pub(crate) fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    Draft::write(path, text)?.put_in_place()
}

/// Puts a file in place, on the disk when this returns.
///
/// # Errors
/// As [`write`].
pub(crate) fn write_durably(path: &Path, text: &[u8]) -> io::Result<()> {
    let draft = Draft::write(path, text)?;
    draft.file.sync_all()?;
    draft.put_in_place()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// The new text beside the old one; removed again unless it was put in place.
#[derive(Debug)]
struct Draft<'d> {
    file: File,
    new: PathBuf,
    path: &'d Path,
    is_in_place: bool,
}

impl<'d> Draft<'d> {
    fn write(path: &'d Path, text: &[u8]) -> io::Result<Self> {
        let new = path.with_extension("json.new");
        let file = options().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        let mut draft = Self { file, new, path, is_in_place: false };
        draft.file.write_all(text)?;
        Ok(draft)
    }

    /// An empty folder in the file's place gives way.
    fn put_in_place(mut self) -> io::Result<()> {
        match fs::rename(&self.new, self.path) {
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                fs::remove_dir(self.path)?;
                fs::rename(&self.new, self.path)?;
            }
            result => result?,
        }
        self.is_in_place = true;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_in_place {
            let _ = fs::remove_file(&self.new);
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags((rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed());
    options
}
