package main

import (
	"errors"
	"fmt"
	"syscall"
)

// The statuses with which ptsns itself fails; those of programs pass through.
const (
	exitUsage         = 2
	exitFailure       = 125
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128 // plus the signal's number
)

// exitStatus is an end with that status about which there is nothing to say.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// programError is the server's refusal to start a program.
type programError struct{ err error }

func (e programError) Error() string { return e.err.Error() }
func (e programError) Unwrap() error { return e.err }

// exitCode is the status that tells of err.
func exitCode(err error) int {
	var program programError
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(usageError)):
		return exitUsage
	case !errors.As(err, &program):
		return exitFailure
	case errors.Is(program.err, syscall.ENOENT):
		return exitNotFound
	case errors.Is(program.err, syscall.EACCES):
		return exitNotExecutable
	}
	return exitFailure
}
