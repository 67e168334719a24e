package assembly

import (
	"runtime/debug"

	"github.com/arngate/arngate/shared/config"
)

// garbagePercent has the first collection of garbage wait until the heap has 8 MB, in place of 4: a cold start fills up to 6, and a
// collection in the middle of one takes a millisecond of it. With more, memory would grow under load for nothing.
const garbagePercent = 200

// UseMemory lets the process use the memory that Lambda gives it, three quarters of which the heap may fill before garbage is
// collected more often. It sets what is the whole process's, and so is for executables.
func UseMemory(f config.Function) {
	if f.MemoryMB <= 0 {
		return
	}
	debug.SetGCPercent(garbagePercent)
	debug.SetMemoryLimit(f.MemoryMB << 20 / 4 * 3)
}
