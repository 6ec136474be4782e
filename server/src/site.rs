//! The site's files: what browsers load besides pages. The build gives most of them names with
//! their hashes, and writes the list of the hashes (`hash.txt`) beside the program.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use leptos::config::LeptosOptions;

use crate::config::WebConfig;

/// The names that the build gives, as in `Cargo.toml` (`workspace.metadata.leptos`).
const OUTPUT_NAME: &str = "onelastai";
const PKG_DIR: &str = "pkg";

/// Why browsers would get pages without style, or none at all.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The list of the hashes can't be read.
    #[error("can't read {}, which the build makes beside the program: {source}", .path.display())]
    Hashes {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file that pages refer to isn't there.
    #[error("there is no {}: the site must be of the same build as the program", .0.display())]
    Missing(PathBuf),
}

/// What Leptos must know of the site.
#[must_use]
pub fn options(web: &WebConfig) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name(OUTPUT_NAME)
        .site_root(web.site_root.as_str())
        .site_pkg_dir(PKG_DIR)
        .site_addr(web.bind)
        .hash_files(true)
        .build()
}

/// Finds out whether the site is there, and of the same build as this program.
///
/// # Errors
/// For the first file that isn't there.
pub fn check(options: &LeptosOptions) -> Result<(), SiteError> {
    check_with(options, &program_folder().join(options.hash_file.as_ref()))
}

fn check_with(options: &LeptosOptions, list: &Path) -> Result<(), SiteError> {
    let hashes = fs::read_to_string(list).map_err(|source| SiteError::Hashes {
        path: list.to_owned(),
        source,
    })?;
    let pkg = Path::new(&*options.site_root).join(&*options.site_pkg_dir);
    for kind in ["css", "js", "wasm"] {
        let hash = hash(&hashes, kind).unwrap_or_default();
        let file = pkg.join(format!("{}.{hash}.{kind}", options.output_name));
        if !file.is_file() {
            return Err(SiteError::Missing(file));
        }
    }
    Ok(())
}

/// The address of the stylesheet.
pub(crate) fn stylesheet(options: &LeptosOptions) -> String {
    let list = options
        .hash_files
        .then(|| fs::read_to_string(program_folder().join(options.hash_file.as_ref())).ok())
        .flatten();
    let hash = list.as_deref().and_then(|hashes| hash(hashes, "css"));
    let hash = hash.map(|hash| format!(".{hash}")).unwrap_or_default();
    format!(
        "/{}/{}{hash}.css",
        options.site_pkg_dir, options.output_name
    )
}

/// Where the program lies.
pub(crate) fn program_folder() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(Path::to_owned))
        .unwrap_or_default()
}

/// The hash of a kind of file; a line of the list is `css: Vb1s5uEl…`.
fn hash<'a>(list: &'a str, kind: &str) -> Option<&'a str> {
    list.lines()
        .find_map(|line| line.strip_prefix(kind)?.strip_prefix(':'))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LIST: &str = "js: a-1\nwasm: b_2\ncss: c3\n";

    #[test]
    fn the_list_of_hashes_is_read() {
        assert_eq!(hash(LIST, "wasm"), Some("b_2"));
        assert_eq!(hash(LIST, "css"), Some("c3"));
        assert_eq!(hash(LIST, "ts"), None);
    }

    #[test]
    fn a_site_that_is_not_whole_is_found_out() {
        let root = std::env::temp_dir().join(format!("onelastai-site-{}", Uuid::new_v4()));
        let pkg = root.join(PKG_DIR);
        fs::create_dir_all(&pkg).unwrap();
        let list = root.join("hash.txt");
        let options = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.to_str().unwrap())
            .build();
        let problem = || check_with(&options, &list).map_err(|error| error.to_string());

        assert!(problem().unwrap_err().starts_with("can't read "));
        fs::write(&list, LIST).unwrap();
        for file in [
            "onelastai.a-1.js",
            "onelastai.b_2.wasm",
            "onelastai.old.css",
        ] {
            fs::write(pkg.join(file), "").unwrap();
        }
        assert!(problem().unwrap_err().contains("onelastai.c3.css"));
        fs::write(pkg.join("onelastai.c3.css"), "").unwrap();
        assert_eq!(problem(), Ok(()));
        fs::remove_dir_all(root).unwrap();
    }
}
