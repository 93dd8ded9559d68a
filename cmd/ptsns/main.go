// Command ptsns gives programs their own set of terminals, and puts those
// terminals in the parent's hands. `ptsns --help` says what it can do.
//
// One file is one command, or one door of `ptsns serve`. A namespace is served by a
// process of its own, which is this program too: `ptsns serve-namespace`, hidden,
// started by `ptsns run` (package parent).
package main

import (
	"os"

	"github.com/ptsns/ptsns/nsexec"
	"github.com/spf13/cobra"
)

func main() {
	nsexec.Main() // does not return in the processes that nsexec starts
	os.Exit(mainStatus())
}

func newRootCommand() *cobra.Command {
	root := newRoot()
	root.AddCommand(
		newRunCommand(),
		newExecCommand(),
		newAttachCommand(),
		newSendCommand(),
		newScreenCommand(),
		newWaitCommand(),
		newRecordCommand(),
		newKickCommand(),
		newLsCommand(),
		newTopCommand(),
		newPathCommand(),
		newRmCommand(),
		newMountCommand(),
		newServeCommand(),
		newReplayCommand(),
		newVerifyCommand(),
		newBenchCommand(),
		newVersionCommand(),
		newServeNamespaceCommand(),
		newServeSystemCommand(),
	)
	return root
}
