//! Finds the system's GSSAPI once per process. A build needs neither it nor its headers.

#![expect(
    unsafe_code,
    reason = "loading a library and taking functions out of it is the operating system's word against ours"
)]

use std::sync::OnceLock;

use libloading::Library;

use super::ffi::Functions;

/// MIT Kerberos first, then Heimdal, then macOS.
const NAMES: &[&str] = if cfg!(target_os = "macos") {
    &[
        "/System/Library/Frameworks/GSS.framework/GSS",
        "/opt/homebrew/opt/krb5/lib/libgssapi_krb5.2.dylib",
        "/usr/local/opt/krb5/lib/libgssapi_krb5.2.dylib",
    ]
} else {
    &["libgssapi_krb5.so.2", "libgssapi.so.3", "libgssapi.so"]
};

/// The functions, or why there are none. Looked for at the first call.
pub(super) fn functions() -> Result<&'static Functions, String> {
    static LOADED: OnceLock<Result<Functions, String>> = OnceLock::new();
    LOADED
        .get_or_init(|| find(NAMES))
        .as_ref()
        .map_err(Clone::clone)
}

fn find(names: &[&str]) -> Result<Functions, String> {
    for name in names {
        // SAFETY: only the system's own GSSAPI libraries are named here; their initialisers are made for being
        // loaded by any program at any time.
        let Ok(library) = (unsafe { Library::new(*name) }) else {
            continue;
        };
        match table(library) {
            Ok(functions) => {
                tracing::debug!(name, "GSSAPI loaded");
                return Ok(functions);
            }
            Err(missing) => tracing::debug!(name, missing, "a GSSAPI library that does not do"),
        }
    }
    Err(format!("none of {} is there", names.join(", ")))
}

fn table(library: Library) -> Result<Functions, &'static str> {
    // Stays loaded for the rest of the process, so that the functions stay what they are.
    let library: &'static Library = Box::leak(Box::new(library));
    macro_rules! function {
        ($name:literal) => {
            // SAFETY: the type of the field is the declaration of this function in RFC 2744 or in MIT's
            // gssapi_ext.h, and the library is never unloaded.
            unsafe { library.get(concat!($name, "\0").as_bytes()) }.map(|symbol| *symbol)
        };
    }
    macro_rules! needed {
        ($name:literal) => {
            function!($name).map_err(|_| $name)?
        };
    }
    Ok(Functions {
        import_name: needed!("gss_import_name"),
        canonicalize_name: needed!("gss_canonicalize_name"),
        display_name: needed!("gss_display_name"),
        release_name: needed!("gss_release_name"),
        release_cred: needed!("gss_release_cred"),
        release_buffer: needed!("gss_release_buffer"),
        delete_context: needed!("gss_delete_sec_context"),
        display_status: needed!("gss_display_status"),
        acquire_cred: needed!("gss_acquire_cred"),
        inquire_cred: needed!("gss_inquire_cred"),
        init_context: needed!("gss_init_sec_context"),
        wrap: needed!("gss_wrap"),
        unwrap: needed!("gss_unwrap"),
        acquire_with_password: function!("gss_acquire_cred_with_password").ok(),
        acquire_from: function!("gss_acquire_cred_from").ok(),
        store_into: function!("gss_store_cred_into").ok(),
        set_neg_mechs: function!("gss_set_neg_mechs").ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_missing_library_is_named() {
        let why = find(&["libno-such-gssapi.so.9"]).err();
        assert_eq!(
            why.as_deref(),
            Some("none of libno-such-gssapi.so.9 is there")
        );
    }

    #[test]
    fn a_library_without_gssapi_does_not_do() {
        assert!(find(&["libc.so.6"]).is_err());
    }
}
