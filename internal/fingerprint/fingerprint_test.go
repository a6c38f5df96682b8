package fingerprint

import (
	"strings"
	"testing"
)

// known are the hashes of "abc" (FIPS 180-4, examples).
var known = map[string]string{
	"sha-1":   "sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D",
	"sha-224": "sha-224 23:09:7D:22:34:05:D8:22:86:42:A4:77:BD:A2:55:B3:2A:AD:BC:E4:BD:A0:B3:F7:E3:6C:9D:A7",
	"sha-256": "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD",
	"md5":     "", "": "",
}

func TestOf(t *testing.T) {
	for name, want := range known {
		if got := Of(name, []byte("abc")); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestMatches(t *testing.T) {
	good := known["sha-256"]
	name, sum, _ := strings.Cut(good, " ")
	for value, want := range map[string]bool{
		good: true, strings.ToLower(good): true, strings.ToUpper(good): true, name + " \t" + sum + " ": true,
		name: false, sum: false, "": false, good[:len(good)-1]: false, good + ":00": false, "sha-512 " + sum: false,
		"md5 90:01:50:98:3C:D2:4F:B0:D6:96:3F:7D:28:E1:7F:72": false,
	} {
		if got := Matches(value, []byte("abc")); got != want {
			t.Errorf("Matches(%q) is %v", value, got)
		}
	}
	if Matches(good, []byte("abd")) {
		t.Error("another certificate matches")
	}
	if got := Hash("SHA-256 AB"); got != "sha-256" {
		t.Errorf("Hash is %q", got)
	}
}

func TestStrict(t *testing.T) {
	for value, want := range map[string]bool{
		known["sha-1"]: true, strings.ToLower(known["sha-1"]): false, "sha-1": false, " AB": false, "": false, "sha-1  AB": false,
	} {
		if got := Strict(value); got != want {
			t.Errorf("Strict(%q) is %v", value, got)
		}
	}
}
