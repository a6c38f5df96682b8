package content

import "testing"

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"p.png": "p.png", "/etc/passwd": "passwd", `C:\a\b.txt`: "b.txt", "..": "", "a/..": "", "a/": "",
		"a\u202egnp.exe": "agnp.exe", "a\r\nb": "a b", "": "",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
