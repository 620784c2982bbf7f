//! Writes every page with sample data into a folder, in both themes, so that
//! the look can be judged without a server:
//! `cargo run -p vv-console --example preview -- FOLDER`.

mod samples;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use vv_console::assets;
use vv_console::view::Theme;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("give the folder to write to")?;
    fs::create_dir_all(folder.join("assets"))?;
    for asset in assets::all() {
        fs::write(folder.join(asset.path.trim_start_matches('/')), asset.bytes)?;
    }
    for theme in [Theme::Light, Theme::Dark] {
        for (name, page) in samples::pages(theme) {
            // Opened from a folder, addresses must be relative.
            let page = page?.replace("\"/assets/", "\"assets/");
            fs::write(folder.join(format!("{name}-{theme}.html")), page)?;
        }
    }
    Ok(())
}
