//! A real Ollama server of a test's own.
//!
//! Needs `OLLAMA_BINARY`, `OLLAMA_MODEL` and `OLLAMA_MODELS`, the folder that has it.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tokio::{net::TcpListener, time::Duration};
use url::Url;

/// Far longer than it takes on a machine that has nothing else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: source tools/env.sh first"))
}

/// A real server in a process group of its own, with the runners that it starts.
pub(crate) struct Ollama {
    pub(crate) url: Url,
    home: PathBuf,
    models: PathBuf,
    process: Child,
}

impl Ollama {
    pub(crate) async fn start() -> Self {
        Self::start_as(None).await
    }

    /// A server that knows the one model there is by this name alone, such as `mistral:7b`.
    pub(crate) async fn named(name: &str) -> Self {
        Self::start_as(Some(name)).await
    }

    async fn start_as(name: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url: Url = format!("http://{address}/").parse().unwrap();
        let home = env::temp_dir().join(format!("onelastai-{}-{address}", std::process::id()));
        drop(listener);
        let mut models = PathBuf::from(setting("OLLAMA_MODELS"));
        if let Some(name) = name {
            models = renamed(&models, &home.join("models"), name);
        }
        let process = Self::run(&url, &home, &models);
        Self {
            url,
            home,
            models,
            process,
        }
    }

    fn run(url: &Url, home: &Path, models: &Path) -> Child {
        use std::os::unix::process::CommandExt;

        fs::create_dir_all(home).unwrap();
        Command::new(setting("OLLAMA_BINARY"))
            .arg("serve")
            .env("HOME", home)
            .env("OLLAMA_HOST", url.as_str())
            .env("OLLAMA_MODELS", models)
            // The folder is others', too.
            .env("OLLAMA_NOPRUNE", "1")
            .env("OLLAMA_NO_CLOUD", "1")
            .env("OLLAMA_KEEP_ALIVE", "10m")
            .env("OLLAMA_CONTEXT_LENGTH", "512")
            .env("OLLAMA_NUM_PARALLEL", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap()
    }

    /// Starts it again where it was.
    pub(crate) fn again(&mut self) {
        self.process = Self::run(&self.url, &self.home, &self.models);
    }

    /// Sends this signal to the server and its runners.
    pub(crate) fn signal(&self, signal: &str) {
        let group = format!("-{}", self.process.id());
        let sent = Command::new("kill")
            .args(["-s", signal, "--", &group])
            .status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.process.wait().unwrap();
    }
}

impl Drop for Ollama {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            self.kill();
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// Makes the folder `to` of a model that is called `name`: its files are those of `from`.
fn renamed(from: &Path, to: &Path, name: &str) -> PathBuf {
    let manifest = |folder: &Path, name: &str| {
        let (model, tag) = name.split_once(':').unwrap_or((name, "latest"));
        folder
            .join("manifests/registry.ollama.ai/library")
            .join(model)
            .join(tag)
    };
    let copy = manifest(to, name);
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::copy(manifest(from, &setting("OLLAMA_MODEL")), copy).unwrap();
    symlink(from.join("blobs"), to.join("blobs")).unwrap();
    to.to_owned()
}
