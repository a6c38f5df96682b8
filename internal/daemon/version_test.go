package daemon

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	info := func(version string, settings ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{GoVersion: "go1.99.1", Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return b
	}
	for _, tc := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{info("v1.2.3"), "v1.2.3 (commit unknown) go1.99.1 "},
		{info("(devel)", "vcs.revision", "abc", "vcs.modified", "false"), "devel (commit abc) go1.99.1 "},
		{info("", "vcs.revision", "abc", "vcs.modified", "true"), "devel (commit abc, modified) go1.99.1 "},
	} {
		if got := versionOf(tc.info).String(); !strings.HasPrefix(got, tc.want) {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
	if v := ReadVersion(); v.GoVersion == "" || v.Platform == "" || v.Version == "" {
		t.Errorf("of this binary: %+v", v)
	}
}
