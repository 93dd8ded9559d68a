package pty

import "github.com/ptsns/ptsns/job"

// Job is the job control of the terminal. It stays the same, and tells one terminal from
// another, as long as the terminal lives.
func (e *end) Job() *job.Terminal { return &e.p.job }
