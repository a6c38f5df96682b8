package ms

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomscp/gomscp/internal/daemon"
)

// wrongSettings has, by key, a wrong value, and what the error says is allowed.
var wrongSettings = map[string][]struct{ yaml, want string }{
	"name":                           {{`""`, "empty"}, {`"a b"`, "blanks"}},
	"sip.listen":                     {{`nowhere`, "host:port"}, {`"[::]:5090"`, "name the one"}, {`127.0.0.1:-1`, "0 to 65535"}},
	"sip.user":                       {{`""`, "empty"}, {`"a@b"`, "letters, digits"}},
	"sip.tls_listen":                 {{`nowhere`, "port"}},
	"sip.require_client_certificate": {{`perhaps`, "bool"}},
	"tls.certificate":                {{`/nowhere/cert.pem`, ""}},
	"tls.key":                        {{`/nowhere/key.pem`, ""}},
	"tls.ca":                         {{`/nowhere/ca.pem`, ""}},
	"access.peers":                   {{`[]`, "empty"}, {`[192.0.2.1/24]`, "192.0.2.0/24"}},
	"control.host":                   {{`0.0.0.0`, "name the one"}, {`"a b"`, "host name"}},
	"control.port_min":               {{`-1`, "control.port_max"}, {`10`, "control.port_max"}},
	"control.port_max":               {{`70000`, "0 to 65535"}, {`-1`, "0 to 65535"}},
	"control.accept_timeout":         {{`0s`, "positive"}},
	"control.dialect":                {{`klingon`, "draft nor paper"}},
	"control.require_tls":            {{`perhaps`, "bool"}, {`true`, "tls.certificate"}},
	"msrp.listen":                    {{`nowhere`, "host:port"}, {`127.0.0.1:x`, "0 to 65535"}},
	"msrp.host":                      {{`"::"`, "name the one"}},
	"msrp.tls_listen":                {{`nowhere`, "host:port"}, {`nowhere`, "off"}},
	"msrp.offer_tls":                 {{`perhaps`, "bool"}},
	"msrp.max_size":                  {{`-1`, "negative"}},
	"msrp.connections":               {{`0`, "less than 1"}},
	"msrp.unbound":                   {{`0`, "less than 1"}},
	"msrp.source_unbound":            {{`0`, "less than 1"}},
	"msrp.unbound_timeout":           {{`0s`, "positive"}},
	"store":                          {{`""`, "empty"}},
	"limits.memory":                  {{`-1`, "0 means no limit"}, {`1MB`, "is less than"}},
	"limits.recipient_messages":      {{`-1`, "0 means no limit"}},
	"limits.recipient_bytes":         {{`-1`, "0 means no limit"}},
	"limits.sender_messages":         {{`-1`, "0 means no limit"}},
	"limits.sender_bytes":            {{`-1`, "0 means no limit"}},
	"limits.total_bytes":             {{`-1`, "0 means no limit"}},
	"limits.min_free":                {{`-1`, "0 means no limit"}},
	"time_to_live":                   {{`-1s`, "negative"}},
	"keep_notifications":             {{`perhaps`, "bool"}},
	"keep_automatic":                 {{`perhaps`, "bool"}},
	"hold":                           {{`0s`, "positive"}},
	"orphan":                         {{`0s`, "positive"}},
	"push.connect_timeout":           {{`0s`, "positive"}},
	"push.confirm_timeout":           {{`0s`, "positive"}},
	"push.window":                    {{`0`, "between 1 and 256"}, {`257`, "between 1 and 256"}},
	"push.cpim":                      {{`perhaps`, "bool"}},
	"push.replies":                   {{`perhaps`, "bool"}},
	"push.receipt_wait":              {{`0s`, "positive"}},
	"push.give_up":                   {{`-1s`, "negative"}},
	"log.level":                      {{`loud`, "debug, info, warn, error"}},
	"drain":                          {{`-1s`, "negative"}, {`5x`, "such as 500ms"}},
	"admin_hosts":                    {{`[""]`, "without a port"}, {`["a:1"]`, "without a port"}, {`[a b]`, "without a port"}},
	"admin":                          {{`nowhere`, "host:port"}},
	"trace":                          {{`[a]`, ""}},
	"trace_body":                     {{`-1`, "negative"}},
}

// TestEveryKeyIsChecked writes a file with one wrong setting at a time: the error
// names the key and says what is allowed.
func TestEveryKeyIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ms.yaml")
	for _, key := range daemon.Keys(DefaultConfig()) {
		if len(wrongSettings[key]) == 0 {
			t.Errorf("%s: no wrong value is tried", key)
		}
		section, name, nested := strings.Cut(key, ".")
		for _, wrong := range wrongSettings[key] {
			text := section + ": " + wrong.yaml + "\n"
			if nested {
				text = section + ": {" + name + ": " + wrong.yaml + "}\n"
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := LoadConfig(path)
			if err == nil || !strings.Contains(err.Error(), key) && !strings.Contains(err.Error(), name+":") || !strings.Contains(err.Error(), wrong.want) {
				t.Errorf("%s: %s gives %v, want %q", key, wrong.yaml, err, wrong.want)
			}
		}
	}
}
