package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// helperNames are the names under which mount(8) starts us, from /sbin: by the type that
// was asked for, and by the one that is in /proc/mounts, for a remount.
var helperNames = []string{"mount.ptsns", "mount.fuse.ptsns"}

// isMountHelper tells whether mount(8), or somebody in its place, started us.
func isMountHelper(arg0 string) bool {
	base := filepath.Base(arg0)
	return base == helperNames[0] || base == helperNames[1]
}

// newMountHelperCommand is mount as mount(8) calls its helpers:
// mount.TYPE SOURCE DIR [-sfnv] [-N NS] [-o OPTS] [-t TYPE].
func newMountHelperCommand() *cobra.Command {
	cmd := newRoot()
	cmd.Use = "mount.ptsns"
	cmd.Hidden = true
	cmd.DisableFlagParsing = true
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var f mountFlags
		operands, err := f.parseHelper(args)
		if err != nil {
			return err
		}
		return f.run(cmd, operands)
	}
	return cmd
}

// parseHelper reads the command line of a helper, whose flags may be anywhere.
func (f *mountFlags) parseHelper(args []string) (operands []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			operands = append(operands, arg)
			continue
		}
		for j, c := range arg[1:] {
			switch c {
			case 'f':
				f.fake = true
				continue
			case 's', 'n', 'v', 'w':
				continue
			case 'r':
				f.options = append(f.options, "ro")
				continue
			case 'o', 't', 'N':
			default:
				return nil, usagef("unknown flag -%c; usage: mount.ptsns SOURCE DIR [-fnrsvw] [-o OPTS] [-t TYPE]", c)
			}
			value := arg[j+2:]
			if value == "" {
				if i++; i == len(args) {
					return nil, usagef("-%c needs a value", c)
				}
				value = args[i]
			}
			switch c {
			case 'o':
				f.options = append(f.options, value)
			case 'N':
				return nil, fmt.Errorf("another mount namespace (-N %s) is not supported: run it there", value)
			}
			break
		}
	}
	if len(operands) != 2 {
		return nil, usagef("a source and a directory are needed")
	}
	return operands, nil
}

func parsePID(s string) (int, error) {
	pid, err := strconv.Atoi(s)
	if err != nil || pid <= 0 || strings.HasPrefix(s, "+") {
		return 0, fmt.Errorf("task=%q: want the id of a process", s)
	}
	return pid, nil
}

// The statuses with which mount(8), and so its helpers, fail.
const (
	exitMountUsage   = 1
	exitMountFailure = 32
)

// mainStatus executes the command line, that of mount(8)'s helper when we are called so,
// and says how the process is to exit.
func mainStatus() int {
	if len(os.Args) == 0 || !isMountHelper(os.Args[0]) {
		return execute(newRootCommand())
	}
	switch execute(newMountHelperCommand()) {
	case 0:
		return 0
	case exitUsage:
		return exitMountUsage
	}
	return exitMountFailure
}
