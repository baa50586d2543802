//! Builds the other side of the differential target: `src/libxml2.c`, with Debian's libxml2.

fn main() {
    println!("cargo:rerun-if-changed=src/libxml2.c");
    let found = pkg_config::probe_library("libxml-2.0")
        .expect("libxml2 to compare with: apt-get install libxml2-dev pkg-config");
    let mut build = cc::Build::new();
    build.file("src/libxml2.c").includes(found.include_paths).warnings(true).opt_level(2);
    build.compile("skybridge_libxml2");
    // Behind our own half, which uses it.
    println!("cargo:rustc-link-lib=xml2");
}
