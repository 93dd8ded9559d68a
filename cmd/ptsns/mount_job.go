package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/devptsd"
	"github.com/ptsns/ptsns/pts"
	"golang.org/x/sys/unix"
)

// mountJob is what a command line of mount comes to.
type mountJob struct {
	source, dir string
	generation  devpts.Generation
	system      string
	named       bool // the system was named
	remount     bool
	request     devptsd.Request
}

// job makes one of the flags and operands.
func (f *mountFlags) job(args []string) (mountJob, error) {
	given := *f // what options say comes on top
	j := mountJob{source: args[0], dir: args[1]}
	if err := given.takeOptions(&j); err != nil {
		return j, usageError{err}
	}
	if err := given.check(&j); err != nil {
		return j, usageError{err}
	}
	if given.record != "" {
		makeDir := recordDir
		if j.remount {
			makeDir = filepath.Abs // it is there, if it is that of the mount
		}
		dir, err := makeDir(given.record)
		if err != nil {
			return j, err
		}
		j.request.Record, j.request.RecordIn, j.request.RecordV2 = dir, given.input, given.v2
	}
	dir, err := filepath.Abs(j.dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return j, err
	}
	j.dir = dir
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return j, &os.PathError{Op: "mount", Path: dir, Err: unix.ENOTDIR}
	}
	return j, nil
}

// takeOptions takes what is ours from the options and leaves the rest for the file system.
func (f *mountFlags) takeOptions(j *mountJob) (err error) {
	var rest []string
	for item := range strings.SplitSeq(strings.Join(f.options, ","), ",") {
		key, value, _ := strings.Cut(item, "=")
		switch key {
		case "remount":
			j.remount = true
		case "generation":
			f.generation = value
		case "system":
			f.system = value
		case "user_id", "group_id", "allow_other", "max_read":
			// mount -o remount,OPTS DIR adds OPTS to what /proc/mounts shows, which of ours are FUSE's alone.
			j.request.Merge = true
		case "name":
			f.name = value
		case "history":
			f.history = value
		case "record":
			f.record = value
		case "task":
			if j.request.Task, err = parsePID(value); err != nil {
				return err
			}
		default:
			rest = append(rest, item)
		}
	}
	j.request.Options = strings.Join(rest, ",")
	return nil
}

// check reads what is said of the system and of the instance in the parent's hands.
func (f *mountFlags) check(j *mountJob) (err error) {
	if f.generation != "" {
		if j.generation, err = devpts.ParseGeneration(f.generation); err != nil {
			return err
		}
	}
	j.system = f.system
	if j.named = j.system != ""; !j.named {
		j.system = j.generation.String()
	}
	if err := pts.CheckName(j.system); err != nil {
		return err
	}
	if f.name != "" {
		if err := pts.CheckName(f.name); err != nil {
			return err
		}
	}
	if f.history != "" {
		if j.request.History, err = parseHistory(f.history); err != nil {
			return usagef("history: %w", err)
		}
	}
	if f.record == "" && (f.input || f.v2) {
		return usagef("--record-input and --record-v2 say how --record DIR records")
	}
	j.request.Source, j.request.Generation, j.request.Name = j.source, j.generation, f.name
	return nil
}
