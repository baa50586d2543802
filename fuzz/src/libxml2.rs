//! Fuzzing: libxml2, as `libxml2.c` shows it.

use std::ffi::{CString, c_char, c_int, c_uchar};
use std::ptr::{NonNull, null_mut};
use std::slice;

/// A document that libxml2 has read, for better or worse.
pub(crate) struct Peer(NonNull<Opaque>);

#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn skybridge_open(octets: *const c_char, length: c_int) -> *mut Opaque;
    fn skybridge_fault(peer: *const Opaque) -> c_int;
    fn skybridge_odd(peer: *const Opaque) -> c_int;
    fn skybridge_elements(peer: *const Opaque) -> usize;
    fn skybridge_reading(peer: *const Opaque, length: *mut usize) -> *mut c_uchar;
    fn skybridge_canonical(
        peer: *const Opaque,
        apex: usize,
        without: usize,
        prefixes: *mut *mut c_char,
        length: *mut usize,
    ) -> *mut c_uchar;
    fn skybridge_release(octets: *mut c_uchar);
    fn skybridge_close(peer: *mut Opaque);
}

impl Peer {
    /// Has libxml2 read a document.
    pub(crate) fn read(octets: &[u8]) -> Self {
        let length = c_int::try_from(octets.len()).expect("inputs are short");
        // SAFETY: the octets outlive the call, which keeps nothing of them.
        let peer = unsafe { skybridge_open(octets.as_ptr().cast(), length) };
        Self(NonNull::new(peer).expect("skybridge_open gives something or aborts"))
    }

    /// libxml2's number of the first fault, if it found any.
    pub(crate) fn fault(&self) -> Option<i32> {
        // SAFETY: the pointer is the one of skybridge_open, not yet closed; so below.
        Some(unsafe { skybridge_fault(self.0.as_ptr()) }).filter(|code| *code != 0)
    }

    /// Whether a namespace name is no absolute URI to libxml2, which then makes no canonical form.
    pub(crate) fn has_odd_namespaces(&self) -> bool {
        // SAFETY: as above.
        unsafe { skybridge_odd(self.0.as_ptr()) != 0 }
    }

    /// How many elements there are.
    pub(crate) fn elements(&self) -> usize {
        // SAFETY: as above.
        unsafe { skybridge_elements(self.0.as_ptr()) }
    }

    /// Its reading, in the form of `targets::differential::reading`. There must be no fault.
    pub(crate) fn reading(&self) -> Vec<u8> {
        assert_eq!(self.fault(), None);
        let mut length = 0;
        // SAFETY: as above; without a fault there is a document element.
        taken(unsafe { skybridge_reading(self.0.as_ptr(), &raw mut length) }, length)
            .expect("skybridge_reading gives something or aborts")
    }

    /// The exclusive canonical form of an element, by its number in document order.
    pub(crate) fn canonical(
        &self,
        apex: usize,
        without: Option<usize>,
        prefixes: &[&str],
    ) -> Option<Vec<u8>> {
        assert!(apex < self.elements());
        let texts: Vec<_> =
            prefixes.iter().map(|it| CString::new(*it).expect("XML has no NUL")).collect();
        let mut list: Vec<_> = texts.iter().map(|it| it.as_ptr().cast_mut()).collect();
        list.push(null_mut());
        let without = without.unwrap_or(usize::MAX);
        let mut length = 0;
        // SAFETY: as above; the list ends with null, and it and its texts outlive the call, which
        // does not write to them.
        let octets = unsafe {
            skybridge_canonical(self.0.as_ptr(), apex, without, list.as_mut_ptr(), &raw mut length)
        };
        taken(octets, length)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SAFETY: nobody has it any more.
        unsafe { skybridge_close(self.0.as_ptr()) }
    }
}

/// Takes octets over that libxml2's side allocated.
fn taken(octets: *mut c_uchar, length: usize) -> Option<Vec<u8>> {
    if octets.is_null() {
        return None;
    }
    // SAFETY: the other side says how many it wrote, and gives them away.
    unsafe {
        let copy = slice::from_raw_parts(octets, length).to_vec();
        skybridge_release(octets);
        Some(copy)
    }
}
