package daemon

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"500ms": 500 * time.Millisecond, "30s": 30 * time.Second, "1h": time.Hour, "1h30m": 90 * time.Minute,
		"2d": 48 * time.Hour, "1w": 168 * time.Hour, "1w2d3h": 219 * time.Hour, "1.5d": 36 * time.Hour, ".5d": 12 * time.Hour,
		"0": 0, "0s": 0, "-1d": -24 * time.Hour, "-1s": -time.Second, "1h0m0s": time.Hour, "30d": 720 * time.Hour,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-", "5x", "d", "5", "1.5", "1d-2h", "--1d", "1 d", "1.2.3d", "1e3d", "200000d", "106751d24h", "2d 3h", "1D", "soon", "NaN", "inf"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "500ms": 500 * time.Millisecond, "30s": 30 * time.Second, "1m": time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour,
		"30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "1h0m5s": time.Hour + 5*time.Second, "-2d": -48 * time.Hour, "10m": 10 * time.Minute,
	} {
		got := FormatDuration(d)
		if got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
		if back, err := ParseDuration(got); err != nil || back != d {
			t.Errorf("%q is read as %v, %v", got, back, err)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1048576": 1 << 20, "100MB": 100e6, "64KiB": 64 << 10, "1GB": 1e9, "1gb": 1e9, "1.5GB": 15e8, "2TiB": 2 << 40, "10B": 10,
		"10 MB": 10e6, "-1": -1, "-1KB": -1000, "9223372036854775807": 1<<63 - 1, "0.5KiB": 512,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "MB", "100M", "10XB", "1e9", "1e3KB", "9999999TB", "9223372036854775808", "NaNMB", "infGB", "1.2.3MB", "0x10", "1_000"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0B", 999: "999B", 1500: "1.5KB", 65536: "64KiB", 1 << 20: "1MiB", 123456789: "123MB", -2048: "-2KiB"} {
		if got := FormatSize(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if Count(1, "message") != "1 message" || Count(0, "message") != "0 messages" || Count(int64(2), "byte") != "2 bytes" {
		t.Error("the plural is wrong")
	}
}
