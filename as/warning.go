package as

import (
	"net"
	"strings"

	"github.com/gomscp/gomscp/sipua"
)

// maxWarnings bounds the Warning headers of a media server that are passed on.
const maxWarnings = 8

// ownWarnings makes of a media server's warnings warnings of our own, which do not
// tell that there is one: its host and its agent become our address. It returns their
// texts, too, for the log. See the paper, section 2.1, and RFC 3261, section 20.43.
func (l *legs) ownWarnings(status *sipua.StatusError, uri string) (headers []sipua.Header, texts []string) {
	host := hostPort(uri)
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, w := range status.Warnings() {
		if len(headers) == maxWarnings {
			break
		}
		text := w.Text
		for _, hidden := range []string{w.Agent, host} {
			if hidden != "" && hidden != "-" {
				text = strings.ReplaceAll(text, hidden, l.name)
			}
		}
		headers = append(headers, sipua.WarningHeader(w.Code, l.ua.Addr(), text))
		texts = append(texts, w.Text)
	}
	return headers, texts
}
