package content

import (
	"io"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/msrp/cpim"
)

// TestSpeaker reads the headers of messages in CPIM from alice, whose second identity is
// a telephone number.
func TestSpeaker(t *testing.T) {
	const me, boss = "<sip:alice@example.com>", "<sip:boss@example.com>"
	lines := func(l ...string) string { return strings.Join(l, "\r\n") }
	tail := lines("To: <sip:bob@example.com>", "", "Content-Type: text/plain", "", "hi")
	for head, taken := range map[string]bool{
		"":                     true,
		"From: " + me + "\r\n": true,
		"From: Alice W <sip:alice@example.com>\r\n":                           true,
		"From: \"The \\\"A\\\"\" <sip:alice@example.com>\r\n":                 true,
		"From: sip:alice@example.com\r\n":                                     true,
		"From: <sip:%61lice@EXAMPLE.com:5060;transport=tcp>\r\n":              true,
		"From: <sips:alice@example.com>\r\n":                                  true,
		"From: <im:alice@example.com>\r\n":                                    true,
		"From: <pres:alice@example.com>\r\n":                                  true,
		"From: <tel:+1-212-555-0101>\r\n":                                     true,
		"From: <sip:+12125550101@gw.example.com;user=phone>\r\n":              true,
		"From: Anonymous <sip:anonymous@anonymous.invalid>\r\n":               true,
		"From: <sip:c8oqz84zk7z@privacy.invalid>\r\n":                         true,
		"From: " + me + "\r\nFrom: " + me + "\r\n":                            true,
		"NS: Other <urn:other>\r\nOther.From: nobody\r\nFrom: " + me + "\r\n": true,

		"From: \"alice@example.com\" " + me + "\r\n":   true,
		"From: Alice @ Work " + me + "\r\n":            true,
		"From:\r\n " + me + "\r\n":                     true,
		"From: <sip:anonymous@example.org;user=x>\r\n": true,
		"Subject: From: " + boss + "\r\n":              true,

		"From: \"boss@example.com\" " + me + "\r\n":                                               false,
		"From: The Boss (sip:boss) " + me + "\r\n":                                                false,
		"From: \"x\\nFrom: y\" " + me + "\r\n":                                                    false,
		"From: \"\u202eecila\" " + me + "\r\n":                                                    false,
		"From: \"\\u2066x\" " + me + "\r\n":                                                       false,
		"From: <sip:boss@example.com.invalid>\r\n":                                                false,
		"From: <sip:boss%40example.com@anonymous.invalid>\r\n":                                    false,
		"From: <sip:boss@example.com?x=@anonymous.invalid>\r\n":                                   false,
		"From: <sip:boss@example.com;x=.invalid>\r\n":                                             false,
		"Subject: x\r\n From: " + boss + "\r\n":                                                   false,
		"Subject:;lang=\"\u2028From: " + boss + "\" x\r\n":                                        false,
		"Content-Type: text/plain; x=\u0085From: " + boss + "\r\nX: y\r\n":                        false,
		"To: <sip:bob@example.com>\r\n\r\nContent-Type: text/plain\r\nFrom: " + boss + "\r\n\r\n": false,
		"From: " + boss + "\r\n":                                                                  false,
		"From: The Boss " + boss + "\r\n":                                                         false,
		"From: sip:boss@example.com\r\n":                                                          false,
		"From: <sip:alice@example.org>\r\n":                                                       false,
		"From: <sip:Alice@example.com>\r\n":                                                       false,
		"From: <im:boss@example.com>\r\n":                                                         false,
		"From: <mailto:alice@example.com>\r\n":                                                    false,
		"From: <tel:+12125550102>\r\n":                                                            false,
		"From: <http://example.com/alice>\r\n":                                                    false,
		"From: the boss\r\n":                                                                      false,
		"From: \r\n":                                                                              false,
		"From: " + me + "\r\nFrom: " + boss + "\r\n":                                              false,
		"From: " + boss + "\r\nFrom: " + me + "\r\n":                                              false,
		"from: " + boss + "\r\n":                                                                  false,
		"FROM: " + boss + "\r\n":                                                                  false,
		"From: " + boss + " " + me + "\r\n":                                                       false,
		"From: \"" + boss + "\" " + me + "\r\n":                                                   false,
		"From: " + me + ", " + boss + "\r\n":                                                      false,
		"From:\r\n " + boss + "\r\n":                                                              false,
		"From: " + boss + "\r\n " + me + "\r\n":                                                   false,
		"From:;lang=en " + boss + "\r\n":                                                          false,
		"NS: c <" + cpim.Namespace + ">\r\nc.From: " + boss + "\r\n":                              false,
		"NS: <urn:other>\r\nFrom: " + boss + "\r\n":                                               false,
		"Subject: " + strings.Repeat("y", 5000) + "\r\nFrom: " + boss + "\r\n":                    false,

		// Headers that cannot be read.
		"no header\r\nFrom: " + me + "\r\n":                                             true,
		"no header\r\nFrom: " + boss + "\r\n":                                           false,
		"no header\r\n" + strings.Repeat("X: y\r\n", 500) + "c.FROM : " + boss + "\r\n": false,
		"Subject: \x01\rFrom: " + boss + "\r\n":                                         false,
		"Subject: \xff\nFrom: " + boss + "\r\n":                                         false,
		"Subject: \u0085From: " + boss + "\r\n":                                         false,
		strings.Repeat("X: y\r\n", cpim.MaxHeaders) + "From: " + boss + "\r\n":          false,
		strings.Repeat("X: y\r\n", 5000) + "From: " + boss + "\r\n":                     false,
		"no header\r\n" + strings.Repeat("X: y\r\n", 5000) + "From: " + boss + "\r\n":   false,
	} {
		for _, wrapper := range []string{"", "Content-Type: Message/CPIM\r\n\r\n"} {
			body := wrapper + head + tail
			speaker := Speaker{URI: "sip:alice@example.com", Also: []string{"tel:+12125550101"}}
			begin, all, err := ReadPreview("message/CPIM", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if err := speaker.Check(begin); (err == nil) != taken {
				t.Errorf("%.200q: %v, taken: %v", wrapper+head, err, taken)
			}
			if again, err := io.ReadAll(all); err != nil || string(again) != body {
				t.Errorf("%.200q: the body has changed, %v", head, err)
			}
		}
	}
}
