//! Where libtorch lies is written into programs that are built with it: they find it without environment variables.
//! Without the feature `tch` there is nothing to do.

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    // What torch-sys says of the libtorch that it was built with, where it links one at run time.
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
