//! A password from a file that nobody else may read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wsman_proto::Secret;

use super::{MAX_LENGTH, PasswordError, one_line};

/// Reads the file. The rights are those of the opened file, so that it cannot be exchanged in between.
pub(super) fn read(path: &Path) -> Result<Secret, PasswordError> {
    let shown = path.display().to_string();
    let failed = |source| PasswordError::FileRead {
        path: shown.clone(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        )));
    }
    if let Some(detail) = exposure(&file).map_err(failed)? {
        return Err(PasswordError::FileExposed {
            path: shown,
            detail,
        });
    }
    let mut bytes = Vec::new();
    file.take(MAX_LENGTH as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    one_line(bytes, &format!("the file {shown}"))
}

/// Who else may read the file, or `None`.
#[cfg(unix)]
fn exposure(file: &File) -> io::Result<Option<String>> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata()?.mode() & 0o7777;
    Ok((mode & 0o077 != 0).then(|| format!("mode {mode:04o}")))
}

/// Who else may read the file, or `None`.
#[cfg(windows)]
fn exposure(file: &File) -> io::Result<Option<String>> {
    let sddl = super::acl::sddl(file)?;
    Ok(super::sddl::exposed_to(&sddl).map(|account| format!("account {account}")))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(dir: &Path, mode: u32, content: &[u8]) -> std::path::PathBuf {
        let path = dir.join(format!("p{mode:o}"));
        std::fs::write(&path, content).expect("the temporary folder is writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
            .expect("the temporary folder is writable");
        path
    }

    #[test]
    fn a_private_file_is_read_and_an_exposed_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let private = file(dir.path(), 0o600, b"geheim\n");
        assert_eq!(read(&private).unwrap().expose(), "geheim");
        assert_eq!(
            read(&file(dir.path(), 0o400, b"geheim")).unwrap().expose(),
            "geheim"
        );
        for mode in [0o640, 0o604, 0o644, 0o660, 0o602, 0o610] {
            let error = read(&file(dir.path(), mode, b"geheim")).unwrap_err();
            assert!(
                matches!(&error, PasswordError::FileExposed { detail, .. } if detail.contains(&format!("{mode:o}")))
            );
            assert!(!error.to_string().contains("geheim"));
        }
    }

    #[test]
    fn a_folder_and_a_missing_file_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            read(dir.path()),
            Err(PasswordError::FileRead { .. })
        ));
        assert!(matches!(
            read(&dir.path().join("none")),
            Err(PasswordError::FileRead { .. })
        ));
    }
}
