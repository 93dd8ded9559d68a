package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:                   "version",
		DisableFlagsInUseLine: true,
		Short:                 "Print the version and what this machine offers",
		Long:                  "Version prints the version of ptsns, what it was built with, and whether this\nmachine and user have what the tap and namespaces without root need.",
		Example:               "  ptsns version",
		Args:                  usage(cobra.ExactArgs(0)),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			info, _ := debug.ReadBuildInfo()
			return printVersion(cmd.OutOrStdout(), info)
		},
	}
}

func printVersion(w io.Writer, info *debug.BuildInfo) error {
	_, err := fmt.Fprintf(w, "ptsns %s\n%s %s/%s\nkernel %s\n/dev/fuse: %s\nuser namespaces: %s\n",
		moduleVersion(info), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		kernelRelease(), fuseState(), userNamespaceState())
	return err
}

// moduleVersion is the module's version and the revision it was built from, as
// far as the build knows them.
func moduleVersion(info *debug.BuildInfo) string {
	if info == nil {
		return "(unknown)"
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	version := info.Main.Version
	if version == "" {
		version = "(devel)"
	}
	revision := settings["vcs.revision"]
	if len(revision) > 12 {
		revision = revision[:12]
	}
	if revision == "" || strings.Contains(version, revision) {
		return version
	}
	if settings["vcs.modified"] == "true" {
		revision += ", modified"
	}
	return version + " (" + revision + ")"
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}

// fuseState says whether the tap can be had.
func fuseState() string {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "no tap: " + err.Error()
	}
	_ = unix.Close(fd)
	return "usable"
}

// userNamespaceState says how many user namespaces may be made, which a user
// other than root needs.
func userNamespaceState() string {
	limit, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	if err != nil {
		return "none in this kernel"
	}
	n := strings.TrimSpace(string(limit))
	if n == "0" {
		return "not allowed (user.max_user_namespaces is 0)"
	}
	return "up to " + n
}
