package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomscp/gomscp/as"
	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/ms"
)

// A stage is one FROM of the Dockerfile: its instructions, and those of the stage it
// is built on.
type stage struct {
	base  string
	lines [][2]string // instruction and the rest
}

func stages(t *testing.T) map[string]*stage {
	all := map[string]*stage{}
	var s *stage
	for line := range strings.Lines(read(t, "Dockerfile")) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "" || strings.HasPrefix(word, "#"):
		case word == "FROM":
			f := strings.Fields(rest)
			if len(f) != 3 || f[1] != "AS" {
				t.Fatalf("a stage without a name: %s", line)
			}
			s = &stage{base: f[0]}
			all[f[2]] = s
			if base := all[f[0]]; base != nil {
				s.lines = append(s.lines, base.lines...)
			}
		default:
			s.lines = append(s.lines, [2]string{word, rest})
		}
	}
	return all
}

// all are the arguments of an instruction.
func (s *stage) all(instruction string) (args []string) {
	for _, l := range s.lines {
		if l[0] == instruction {
			args = append(args, l[1])
		}
	}
	return args
}

// last is what is in force of an instruction.
func (s *stage) last(instruction string) string {
	all := s.all(instruction)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// TestImages reads the Dockerfile as a builder does: what is copied is there, what is
// run was copied, and nobody runs as root.
func TestImages(t *testing.T) {
	all := stages(t)
	build := all["build"]
	if build == nil {
		t.Fatal("no stage build")
	}
	made := strings.Join(build.all("RUN"), "\n")
	for _, name := range servers {
		s := all[name]
		if s == nil {
			t.Errorf("no stage %s", name)
			continue
		}
		in := map[string]bool{} // the image
		for _, c := range s.all("COPY") {
			f := strings.Fields(c)
			from, to := f[len(f)-2], f[len(f)-1]
			in[to] = true
			known := strings.Contains(made, filepath.Dir(from)+"/ ") || strings.Contains(made, " "+from+"\n") || strings.HasPrefix(from, "/etc/ssl/certs/")
			if !strings.HasPrefix(f[0], "--from=build") || !known {
				t.Errorf("%s copies %s, which is not built", name, c)
			}
		}
		var entry []string
		if err := json.Unmarshal([]byte(s.last("ENTRYPOINT")), &entry); err != nil || !in[entry[0]] || entry[0] != "/"+name {
			t.Errorf("%s: ENTRYPOINT %s: %v", name, s.last("ENTRYPOINT"), err)
		}
		if c := healthCheck(t, name); !in[c[0]] {
			t.Errorf("%s: the health check runs %s, which is not there", name, c[0])
		}
		if !in["/etc/ssl/certs/ca-certificates.crt"] {
			t.Errorf("%s has no certificate authorities", name)
		}
		if u := s.last("USER"); u == "" || strings.HasPrefix(u, "0") || strings.HasPrefix(u, "root") {
			t.Errorf("%s runs as %q", name, u)
		}
		if v := s.last("VOLUME"); v == "" || v != s.last("WORKDIR") || !in[v] {
			t.Errorf("%s: the volume %q is not the working directory %q, or does not belong to the user", name, v, s.last("WORKDIR"))
		}
		if s.last("STOPSIGNAL") != "SIGTERM" || s.base != "base" {
			t.Errorf("%s: STOPSIGNAL %s, FROM %s", name, s.last("STOPSIGNAL"), s.base)
		}
	}
	for _, c := range build.all("COPY") {
		f := strings.Fields(c)
		for _, from := range f[:len(f)-1] {
			if _, err := os.Stat(filepath.Join("..", from)); err != nil {
				t.Errorf("COPY %s: %v", c, err)
			}
		}
	}
	if ignored := strings.Fields(read(t, "../.dockerignore")); !strings.Contains(" "+strings.Join(ignored, " ")+" ", " .git ") {
		t.Error("the repository's history is copied into the build")
	}
}

// TestStopTimes checks that a server has drained before it is killed: by docker after
// 10 s, by systemd after what the unit says.
func TestStopTimes(t *testing.T) {
	for name, drain := range map[string]time.Duration{"mscp-as": as.DefaultConfig().Drain, "mscp-ms": ms.DefaultConfig().Drain} {
		if drain <= 0 || drain >= 10*time.Second {
			t.Errorf("%s drains for %v", name, drain)
		}
		_, rest, _ := strings.Cut(read(t, name+".service"), "\nTimeoutStopSec=")
		value, _, _ := strings.Cut(rest, "\n")
		if stop, err := daemon.ParseDuration(value); err != nil || stop <= drain {
			t.Errorf("%s: systemd kills it after %q, %v", name, value, err)
		}
	}
}
