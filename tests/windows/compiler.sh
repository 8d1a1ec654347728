# Read by `run`: which compiler makes the Windows program.
#
# Usually it is the one that makes everything else, with the target that rustup gets. Where rustup cannot get it, it is
# Debian's (package rustc-web, unpacked below the target folder), which comes with the source of the standard library.

# choose_compiler: sets `windows_target`, where cargo builds, and `for_windows`, which starts cargo.
choose_compiler() {
    if command -v rustup >/dev/null && (cd "$root" && rustup target add "$triple"); then
        windows_target=$target
        for_windows() { (cd "$root" && cargo "$1" --target "$triple" "${@:2}"); }
        return
    fi
    [ "$(uname -sm)" = "Linux x86_64" ] && command -v apt-get >/dev/null ||
        give_up "rustup cannot get the target $triple, and Debian's compiler is only for Debian on x86_64"
    [ -e "$tools/compiler/complete" ] || unpack_compiler
    # Another compiler would build everything again, each time.
    windows_target=$target/windows
    for_windows() {
        local bin=$tools/compiler/usr/bin lib=$tools/compiler/usr/lib
        (cd "$root" && PATH=$bin:$PATH LD_LIBRARY_PATH=$lib/x86_64-linux-gnu:$lib RUSTC=$bin/rustc RUSTC_BOOTSTRAP=1 \
            CARGO_TARGET_DIR=$windows_target \
            cargo "$1" -Zbuild-std=std,panic_abort --target "$triple" "${@:2}")
    }
}

# depends PACKAGE PATTERN: the package it depends on.
depends() {
    apt-cache depends "$1" | sed -nE "s/^ *Depends: ($2)\$/\1/p" | head -n 1
}

# Unpacked, not installed: it must not stand beside the compiler that builds the product.
unpack_compiler() {
    step "getting Debian's compiler"
    # A fresh machine has no lists of packages; without root the ones there have to do.
    [ "$(id -u)" -ne 0 ] || apt-get update -qq || give_up "no lists of packages"
    local standard llvm
    standard=$(depends libstd-rust-web-dev 'libstd-rust-web-[0-9.]+')
    llvm=$(depends "$standard" 'libllvm[0-9]+')
    [ -n "$standard" ] && [ -n "$llvm" ] || give_up "the package rustc-web is not to be had here"
    rm -rf "$tools/compiler" "$tools/packages"
    mkdir -p "$tools/compiler" "$tools/packages"
    (cd "$tools/packages" &&
        apt-get download -qq rustc-web rust-web-clippy libstd-rust-web-dev "$standard" rust-web-src "$llvm" libz3-4 &&
        for package in *.deb; do dpkg -x "$package" "$tools/compiler" || exit 1; done) ||
        give_up "Debian's compiler could not be downloaded and unpacked"
    rm -rf "$tools/packages"
    touch "$tools/compiler/complete"
}
