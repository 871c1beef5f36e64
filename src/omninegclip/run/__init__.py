"""One run of `omninegclip train`: the job, its folder, its loop, and what it says of itself."""
