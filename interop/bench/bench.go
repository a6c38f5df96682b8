package bench

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/gomscp/gomscp/interop/cluster"
)

// Options are what is measured.
type Options struct {
	// Versions are put through the same scenarios in turns. The others are compared with
	// the last.
	Versions []Version
	// Size is that of a message in bytes; 0 is 1024.
	Size int
	// Duration is how long each round of a scenario lasts; 0 is 5 s.
	Duration time.Duration
	// Rounds is how often; 0 is 3.
	Rounds int
	// Only, if not nil, is matched by the names of the scenarios that run.
	Only *regexp.Regexp
	// Profiles is a folder for profiles of the servers, for each round; ""
	// is none.
	Profiles string
	// Progress gets a line for each round; nil is nowhere.
	Progress io.Writer
}

// MaxSize bounds Options.Size: a Stream has its window of messages in one buffer.
const MaxSize = 10 << 20

// A Version is a pair of binaries.
type Version struct {
	Name     string // a word, also in the names of profiles
	Binaries cluster.Binaries
}

// A Figure is what a version showed in a scenario.
type Figure struct {
	Scenario string                   `json:"scenario"`
	Unit     string                   `json:"unit"` // what one is: a message or a call
	Version  string                   `json:"version"`
	Rate     float64                  `json:"per_second,omitempty"`
	P50      time.Duration            `json:"p50_ns"`
	P99      time.Duration            `json:"p99_ns"`
	CPU      map[string]time.Duration `json:"cpu_ns_each,omitempty"`       // of "as", "ms" and "client", for one
	Memory   map[string]float64       `json:"memory_bytes_each,omitempty"` // of "as" and "ms", that an ended call leaves
}

// Run measures. It ends with the first error.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.Size, o.Duration, o.Rounds = cmp.Or(o.Size, 1024), cmp.Or(o.Duration, 5*time.Second), cmp.Or(o.Rounds, 3)
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	r := &Report{Size: o.Size, Duration: o.Duration, Rounds: o.Rounds}
	r.describe()
	for _, sc := range scenarios(o.Size) {
		if o.Only != nil && !o.Only.MatchString(sc.name) {
			continue
		}
		rounds := make([][]Figure, len(o.Versions))
		for round := range o.Rounds {
			for i, v := range o.Versions {
				f, err := runRound(ctx, v, sc, o, profileName(o.Profiles, v.Name, sc.name, round))
				if err != nil {
					return nil, err
				}
				fmt.Fprintln(o.Progress, f)
				rounds[i] = append(rounds[i], f)
			}
		}
		for _, of := range rounds {
			r.Figures = append(r.Figures, median(of))
		}
	}
	return r, nil
}

// runRound starts a version with nothing kept, puts it through a scenario once, and ends it:
// what the media server's index holds is bounded, and a fast version would come to the
// limit in a later round.
func runRound(ctx context.Context, v Version, sc scenario, o Options, profile string) (Figure, error) {
	dir, err := os.MkdirTemp("", "gomscp-bench-")
	if err != nil {
		return Figure{}, err
	}
	defer os.RemoveAll(dir)
	s, err := start(ctx, v, dir)
	if err != nil {
		return Figure{}, err
	}
	defer s.close()
	s.profile = profile
	f, err := sc.run(ctx, s, o.Duration)
	if err != nil {
		return Figure{}, s.explain(fmt.Errorf("%s: %w", sc.name, err))
	}
	f.Scenario, f.Unit, f.Version = sc.name, sc.unit, v.Name
	return f, nil
}
