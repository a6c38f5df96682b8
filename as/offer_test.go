package as

import (
	"strings"
	"testing"
)

const head = "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

func TestHasMSRP(t *testing.T) {
	for name, tc := range map[string]struct {
		offer string
		want  bool
	}{
		"MSRP":             {head + "m=message 2855 TCP/MSRP *\r\n", true},
		"MSRP over TLS":    {head + "m=message 2855 TCP/TLS/MSRP *\r\n", true},
		"after audio":      {head + "m=audio 4000 RTP/AVP 0\r\nm=message 9 TCP/MSRP *\r\n", true},
		"lone LF":          {strings.ReplaceAll(head+"m=message 9 TCP/MSRP *\r\n", "\r", ""), true},
		"audio only":       {head + "m=audio 4000 RTP/AVP 0\r\n", false},
		"port 0":           {head + "m=message 0 TCP/MSRP *\r\n", false},
		"other transport":  {head + "m=message 9 UDP/MSRP *\r\n", false},
		"not in an m-line": {head + "a=m=message 9 TCP/MSRP *\r\n", false},
		"short m-line":     {head + "m=message 9\r\n", false},
		"empty":            {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hasMSRP([]byte(tc.offer)); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestRefuseOffer(t *testing.T) {
	offer := head + "m=message 2855 TCP/MSRP *\r\na=path:msrp://127.0.0.1:2855/x;tcp\r\nm=audio 4000 RTP/AVP 0\r\n"
	answer, err := refuseOffer([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"m=message 0 TCP/MSRP *\r\n", "m=audio 0 RTP/AVP 0\r\n", "t=0 0\r\n"} {
		if !strings.Contains(string(answer), want) {
			t.Errorf("the answer lacks %q:\n%s", want, answer)
		}
	}
	if strings.Contains(string(answer), "a=path") {
		t.Errorf("the answer to a refused m-line has a path:\n%s", answer)
	}
	if _, err := refuseOffer([]byte("nonsense")); err == nil {
		t.Error("nonsense was answered")
	}
}
