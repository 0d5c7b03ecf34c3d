//! Lists the files of the page, which the program embeds; and makes programs that are built with libtorch find it without
//! environment variables.

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=src/build.rs");
    list_page_files()?;
    // Set by torch-sys (feature `tch`) to the folder of the libtorch that it was built with.
    if let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
    Ok(())
}

/// Writes `page_files.rs`: the name and text of every file in `src/page/files`, as a slice of pairs.
fn list_page_files() -> std::io::Result<()> {
    let variable = |name| std::env::var(name).map_err(std::io::Error::other);
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("src/page/files");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths = std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    let entry = |path: &Path| {
        let (name, path) = (path.file_name().unwrap_or_default().to_string_lossy(), path.to_string_lossy());
        format!("({name:?}, include_str!({path:?})),\n")
    };
    let entries: String = paths.iter().map(|path| entry(path)).collect();
    std::fs::write(Path::new(&variable("OUT_DIR")?).join("page_files.rs"), format!("&[\n{entries}]\n"))
}
