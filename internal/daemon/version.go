package daemon

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Where a binary is built without the repository, as in an image, the linker sets
// these: -ldflags "-X github.com/gomscp/gomscp/internal/daemon.linkedVersion=v1.2.3".
var linkedVersion, linkedCommit string

// A Version identifies the running binary.
type Version struct {
	Version   string // of the module, "devel" if the build has none
	Commit    string // of the repository, in hexadecimal; "" if it is not known
	Modified  bool   // built with changes that are not in Commit
	GoVersion string // such as go1.26.1
	Platform  string // such as linux/amd64
}

// ReadVersion returns the version that the go command or the linker has put into the
// binary.
func ReadVersion() Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return versionOf(info)
}

func versionOf(info *debug.BuildInfo) Version {
	v := Version{
		Version: strings.Trim(info.Main.Version, "()"), GoVersion: cmp.Or(info.GoVersion, runtime.Version()),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	v.Version = cmp.Or(linkedVersion, v.Version, "devel")
	v.Commit = cmp.Or(linkedCommit, v.Commit)
	return v
}

// String returns the text that -version prints after the name of the binary.
func (v Version) String() string {
	commit := cmp.Or(v.Commit, "unknown")
	if v.Modified {
		commit += ", modified"
	}
	return fmt.Sprintf("%s (commit %s) %s %s", v.Version, commit, v.GoVersion, v.Platform)
}

// BuildInfo returns a metric with the version of the binary as labels and the value 1.
// Its name should end in _build_info.
func BuildInfo(name string) prometheus.Collector {
	v := ReadVersion()
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: name, Help: "Always 1; the labels are the version, commit and Go version of the binary.",
		ConstLabels: prometheus.Labels{"version": v.Version, "revision": v.Commit, "goversion": v.GoVersion},
	})
	g.Set(1)
	return g
}
