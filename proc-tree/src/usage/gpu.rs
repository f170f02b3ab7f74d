//! GPU memory by process, as NVIDIA's driver tells it.
//!
//! The driver's library is loaded at run time, so that nothing is needed where there is none. The driver counts in the
//! PIDs of the host: inside a container they are not the PIDs that are seen there.

use std::{collections::HashMap, ffi::OsStr};

use nvml_wrapper::{
    Device, Nvml, enums::device::UsedGpuMemory, error::NvmlError, struct_wrappers::device::ProcessInfo,
};

/// A driver that tells which process has how much GPU memory.
pub struct Gpu(Nvml);

/// There is no driver that could be asked.
#[derive(Debug, thiserror::Error)]
pub enum NoDriver {
    /// Its library is not there.
    #[error("cannot tell GPU memory: NVIDIA's driver is not installed")]
    NotInstalled,
    /// A static program loads no library.
    #[error("cannot tell GPU memory: this is a static build, which cannot load NVIDIA's library")]
    Static,
    /// It is installed and does not answer.
    #[error("cannot tell GPU memory: {0}")]
    Silent(NvmlError),
}

impl From<NvmlError> for NoDriver {
    fn from(error: NvmlError) -> Self {
        match error {
            NvmlError::LibloadingError(_) if cfg!(target_feature = "crt-static") => Self::Static,
            NvmlError::LibloadingError(_) => Self::NotInstalled,
            error => Self::Silent(error),
        }
    }
}

impl Gpu {
    /// Loads the driver's library.
    ///
    /// # Errors
    /// When it is not installed, or the driver does not run.
    pub fn open() -> Result<Self, NoDriver> {
        // the name without a version belongs to the development package
        let library = OsStr::new("libnvidia-ml.so.1");
        Ok(Self(Nvml::builder().lib_path(library).init().or_else(|_| Nvml::init())?))
    }

    /// Tells the bytes that each process has on all GPUs; `None` when a GPU does not say, as under WSL.
    ///
    /// Source: nvmlDeviceGetComputeRunningProcesses, nvmlDeviceGetGraphicsRunningProcesses.
    pub fn memory(&self) -> Option<HashMap<u32, u64>> {
        let mut sum: HashMap<u32, u64> = HashMap::new();
        for index in 0..self.0.device_count().ok()? {
            let device = self.0.device_by_index(index).ok()?;
            for (pid, bytes) in on_device(&device)? {
                *sum.entry(pid).or_default() += bytes;
            }
        }
        Some(sum)
    }
}

/// A process that computes and draws is in both lists with the same figure.
fn on_device(device: &Device<'_>) -> Option<HashMap<u32, u64>> {
    let mut most: HashMap<u32, u64> = HashMap::new();
    for process in
        supported(device.running_compute_processes())?.iter().chain(&supported(device.running_graphics_processes())?)
    {
        let UsedGpuMemory::Used(bytes) = process.used_gpu_memory else { return None };
        let known = most.entry(process.pid).or_default();
        *known = (*known).max(bytes);
    }
    Some(most)
}

/// A GPU that cannot draw has nobody drawing.
fn supported(processes: Result<Vec<ProcessInfo>, NvmlError>) -> Option<Vec<ProcessInfo>> {
    match processes {
        Err(NvmlError::NotSupported) => Some(Vec::new()),
        answer => answer.ok(),
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Gpu").finish_non_exhaustive()
    }
}
