//! Asks Windows who may read an open file. What the answer means is judged in `sddl.rs`.

#![expect(
    unsafe_code,
    reason = "the system's functions are C: each call hands over pointers to values that live on this stack frame"
)]

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle as _;
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1,
    SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
};

/// Owner and access list of the file in SDDL, which is the same in every language.
pub(super) fn sddl(file: &File) -> io::Result<String> {
    let wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut descriptor: PSECURITY_DESCRIPTOR = ptr::null_mut();
    // SAFETY: the handle is that of an open file; the system allocates the descriptor, which is freed below.
    let status = unsafe {
        GetSecurityInfo(
            file.as_raw_handle(),
            SE_FILE_OBJECT,
            wanted,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if status != 0 {
        return Err(io::Error::from_raw_os_error(status.cast_signed()));
    }
    let (mut text, mut length) = (ptr::null_mut(), 0);
    // SAFETY: the descriptor is the one just given; the system allocates the text and says how long it is.
    let done = unsafe {
        ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor,
            SDDL_REVISION_1,
            wanted,
            &raw mut text,
            &raw mut length,
        )
    };
    let found = if done == 0 {
        Err(io::Error::last_os_error())
    } else {
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: the text has this many characters; a NUL may be counted among them.
        let units = unsafe { std::slice::from_raw_parts(text, length) };
        Ok(String::from_utf16_lossy(units)
            .trim_end_matches('\0')
            .to_owned())
    };
    // SAFETY: both were allocated by the calls above (or are null, which is allowed) and are freed once.
    unsafe {
        LocalFree(text.cast());
        LocalFree(descriptor);
    }
    found
}
