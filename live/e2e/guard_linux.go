package e2e

import (
	"os/exec"
	"syscall"
)

// guard has the kernel kill the process when this one is killed, and keeps the
// terminal's interrupts from it: the Run ends it in order.
func guard(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
