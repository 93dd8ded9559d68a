//go:build linux

package nsexec

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// start starts p as a child of this thread.
func (s *inside) start(p Program) (pid int, err error) {
	if s.ended {
		return 0, fmt.Errorf("the namespace has ended: %w", syscall.ESHUTDOWN)
	}
	if len(p.Argv) == 0 {
		return 0, &StartError{On: OnProgram, Err: syscall.EINVAL}
	}
	dir, err := workingDir(p)
	if err != nil {
		return 0, err
	}
	path, err := lookPath(p.Argv[0], p.Env, dir)
	if err != nil {
		return 0, &StartError{On: OnProgram, Name: p.Argv[0], Err: err}
	}
	terminal, err := s.openTerminal(p.Index)
	if err != nil {
		return 0, err
	}
	defer unix.Close(terminal)
	fd := uintptr(terminal)
	pid, err = syscall.ForkExec(path, p.Argv, &syscall.ProcAttr{
		Dir:   dir,
		Env:   p.Env,
		Files: []uintptr{fd, fd, fd},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true},
	})
	if err != nil {
		return 0, &StartError{On: OnProgram, Name: p.Argv[0], Err: err}
	}
	s.programs[pid] = true
	return pid, nil
}

// openTerminal opens a terminal by the name that programs find it under, so that
// ttyname(3) does.
func (s *inside) openTerminal(index int) (int, error) {
	path := filepath.Join(ptsDir, strconv.Itoa(index))
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &StartError{On: OnTerminal, Name: path, Err: err}
	}
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	if err == nil && st.Dev != s.dev {
		err = unix.EXDEV // a root inside has mounted something else there
	}
	if err != nil {
		_ = unix.Close(fd) // not the one
		return -1, &StartError{On: OnTerminal, Name: path, Err: err}
	}
	return fd, nil
}

// workingDir settles p's directory.
func workingDir(p Program) (string, error) {
	if p.Dir != "" {
		if err := canEnter(p.Dir); err != nil {
			return "", &StartError{On: OnDir, Name: p.Dir, Err: err}
		}
		return p.Dir, nil
	}
	if p.DirDefault != "" && canEnter(p.DirDefault) == nil {
		return p.DirDefault, nil
	}
	return "/", nil
}

func canEnter(dir string) error {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Faccessat(fd, ".", unix.X_OK, 0)
}

// defaultPath is glibc's, for an environment without a PATH.
const defaultPath = "/bin:/usr/bin"

// lookPath finds the program name as execvp(3) does for a process in dir: EACCES
// means that there was only something that cannot be executed.
func lookPath(name string, env []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	if name == "" {
		return "", syscall.ENOENT
	}
	result := error(syscall.ENOENT)
	for _, d := range strings.Split(pathOf(env), ":") {
		path := d + "/" + name
		if d == "" {
			path = "./" + name
		}
		full := path
		if !filepath.IsAbs(full) {
			full = filepath.Join(dir, full)
		}
		switch err := canExecute(full); {
		case err == nil:
			return path, nil
		case errors.Is(err, syscall.EACCES):
			result = err
		}
	}
	return "", result
}

// pathOf is the PATH of env: the first one, as getenv(3) has it.
func pathOf(env []string) string {
	for _, kv := range env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok {
			return path
		}
	}
	return defaultPath
}

func canExecute(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return syscall.EACCES
	}
	return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, 0)
}
