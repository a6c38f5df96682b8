package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/gomscp/gomscp/internal/daemon"
	"github.com/gomscp/gomscp/interop/bench"
	"github.com/gomscp/gomscp/interop/cluster"
)

const benchUsage = `usage: mscp-interop bench [flags]

Runs mscp-as and mscp-ms as processes with their default settings. Measures the stored
messages per second, the complete calls per second, and the processor time and memory of
each server for one message or call. The servers are found in the same way as by
"mscp-interop demo".`

func runBench(ctx context.Context, args []string) error {
	fs := newFlags("bench", benchUsage)
	other := fs.String("other", "", "a `directory` with mscp-as and mscp-ms of another version; rounds of the two versions alternate")
	size := fs.Int("size", 1024, "`bytes` of a message")
	duration := fs.Duration("duration", 5*time.Second, "how long each round lasts")
	rounds := fs.Int("rounds", 3, "how often each scenario runs; the round with the median rate counts")
	only := fs.String("only", "", "run only the scenarios whose name matches this `regexp`")
	profiles := fs.String("profiles", "", "a `directory` for profiles of the servers, of processor time or memory, for each round")
	jsonFile := fs.String("json", "", "write the figures to this `file`, too")
	if err := daemon.ParseFlags(fs, args); err != nil {
		return err
	}
	if err := noArguments("bench", fs); err != nil {
		return err
	}
	if *size < 1 || *size > bench.MaxSize || *rounds < 1 || *duration < time.Second {
		return wrong("bench", "--size is 1 to %d, --rounds at least 1, --duration at least 1s", bench.MaxSize)
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return wrong("bench", "--only: %v", err)
	}
	dir, err := os.MkdirTemp("", "mscp-interop-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := cluster.Find(ctx, dir, func(what string) { os.Stderr.WriteString(what + "\n") })
	if err != nil {
		return err
	}
	o := bench.Options{Size: *size, Duration: *duration, Rounds: *rounds, Only: match, Profiles: *profiles, Progress: os.Stderr}
	if *other != "" {
		o.Versions = append(o.Versions, bench.Version{Name: "other", Binaries: cluster.Binaries{AS: filepath.Join(*other, "mscp-as"), MS: filepath.Join(*other, "mscp-ms")}})
	}
	o.Versions = append([]bench.Version{{Name: "this", Binaries: bin}}, o.Versions...)
	r, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	if *jsonFile != "" {
		if err := writeJSON(*jsonFile, r); err != nil {
			return err
		}
	}
	return r.WriteText(os.Stdout)
}

func writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
