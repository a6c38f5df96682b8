package as

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
	"sip.listen":                     {{`nowhere`, "host:port"}, {`":5080"`, "name the one"}, {`0.0.0.0:5080`, "name the one"}, {`127.0.0.1:99999`, "0 to 65535"}},
	"sip.user":                       {{`""`, "empty"}, {`"a@b"`, "letters, digits"}},
	"sip.tls_listen":                 {{`nowhere`, "port"}},
	"sip.require_client_certificate": {{`perhaps`, "bool"}},
	"sip.session_expires":            {{`10s`, "1m30s or more"}},
	"tls.certificate":                {{`/nowhere/cert.pem`, ""}},
	"tls.key":                        {{`/nowhere/key.pem`, ""}},
	"tls.ca":                         {{`/nowhere/ca.pem`, ""}},
	"access.peers":                   {{`[192.0.2.1/24]`, "192.0.2.0/24"}, {`[nonsense/x]`, "192.0.2.0/24"}, {`[300.1.1.1]`, "address"}},
	"access.trusted":                 {{`["a b"]`, "address"}},
	"access.users":                   {{`/nowhere/users`, ""}},
	"access.realm":                   {{`"a:b"`, ""}},
	"limits.source_rate":             {{`-1`, "from 0"}, {`.nan`, "not a number"}, {`NaN`, "from 0"}, {`2000000`, "1000000"}},
	"limits.source_burst":            {{`0`, "less than 1"}},
	"limits.caller_rate":             {{`-1`, "from 0"}},
	"limits.caller_burst":            {{`0`, "less than 1"}},
	"limits.memory":                  {{`-1`, "0 means no limit"}, {`1MB`, "is less than"}},
	"limits.calls":                   {{`-1`, "0"}},
	"limits.caller_calls":            {{`-1`, "0"}},
	"limits.recipient_calls":         {{`-1`, "0"}},
	"limits.reserved_calls":          {{`-1`, "0"}},
	"limits.user_calls":              {{`-1`, "0"}},
	"limits.connections":             {{`0`, "less than 1"}},
	"limits.source_connections":      {{`0`, "less than 1"}},
	"media_servers":                  {{`[]`, "at least one"}, {`[{uri: nonsense}]`, "uri"}, {`[{uri: "sip:a@b", weight: -1}]`, "1 to 1000000"}},
	"recipient":                      {{`from`, "to, request-uri, called-party, history-info"}, {`""`, "to, request-uri"}},
	"outbound_proxy":                 {{`""`, "empty"}, {`"127.0.0.1:x"`, "host:port"}, {`127.0.0.1;transport=pigeon`, "udp, tcp, tls"}},
	"presence.package":               {{`absence`, "presence, reg, register"}},
	"presence.server":                {{`"127.0.0.1:x"`, "host:port"}, {`"<sip:127.0.0.1"`, "without >"}},
	"presence.expires":               {{`0s`, "positive"}, {`10ms`, "1s"}},
	"presence.rate":                  {{`0`, "from 1"}},
	"directory":                      {{`""`, "empty"}},
	"inventory":                      {{`sometimes`, "always"}},
	"inventory_interval":             {{`-1s`, "1s"}, {`10ms`, "1s"}},
	"store.restore_wait":             {{`0s`, "positive"}},
	"store.invite_timeout":           {{`-1s`, "positive"}},
	"store.retry_after":              {{`0s`, "1s"}},
	"store.failure_rest":             {{`-1s`, "negative"}},
	"store.max_duration":             {{`0s`, "positive"}},
	"store.max_recipients":           {{`0`, "less than 1"}},
	"push.delay":                     {{`-1s`, "negative"}},
	"push.ring":                      {{`31s`, "30s"}, {`0s`, "30s"}},
	"push.max_duration":              {{`0s`, "positive"}},
	"push.retry_min":                 {{`0s`, "positive"}},
	"push.retry_max":                 {{`1ms`, "push.retry_min"}},
	"control.transport":              {{`pigeon`, "tcp"}},
	"control.dialect":                {{`klingon`, "draft nor paper"}},
	"control.retry_min":              {{`0s`, "positive"}},
	"control.retry_max":              {{`1ms`, "control.retry_min"}},
	"control.timeout":                {{`soon`, "such as 500ms"}, {`0s`, "positive"}},
	"log.level":                      {{`loud`, "debug, info, warn, error"}},
	"drain":                          {{`-1s`, "negative"}, {`5x`, "such as 500ms"}},
	"admin_hosts":                    {{`[""]`, "without a port"}, {`["a:1"]`, "without a port"}, {`[a b]`, "without a port"}},
	"admin":                          {{`nowhere`, "host:port"}, {`127.0.0.1:http`, "0 to 65535"}},
	"trace":                          {{`[a]`, ""}},
}

// TestEveryKeyIsChecked writes a file with one wrong setting at a time: the error
// names the key and says what is allowed.
func TestEveryKeyIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "as.yaml")
	for _, key := range daemon.Keys(DefaultConfig()) {
		if len(wrongSettings[key]) == 0 {
			t.Errorf("%s: no wrong value is tried", key)
		}
		for _, wrong := range wrongSettings[key] {
			if err := os.WriteFile(path, []byte(fileWith(key, wrong.yaml)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := LoadConfig(path)
			last := key[strings.LastIndexByte(key, '.')+1:] // of a YAML error, which shows the line
			if err == nil || !strings.Contains(err.Error(), key) && !strings.Contains(err.Error(), last+":") || !strings.Contains(err.Error(), wrong.want) {
				t.Errorf("%s: %s gives %v, want %q", key, wrong.yaml, err, wrong.want)
			}
		}
	}
}

// fileWith is a configuration that is good but for one setting.
func fileWith(key, value string) string {
	section, name, nested := strings.Cut(key, ".")
	text := section + ": " + value + "\n"
	if nested {
		text = section + ": {" + name + ": " + value + "}\n"
	}
	switch key { // what makes the setting matter
	case "access.realm":
		text = "access: {realm: " + value + ", users: /nowhere}\n"
	case "access.users":
		text = "access: {users: " + value + ", realm: example.com}\n"
	}
	if section != "media_servers" {
		text += "media_servers: [{uri: 'sip:ms@127.0.0.1'}]\n"
	}
	return text
}

// TestFileForOneSetting loads what the wrong settings are put in, without them.
func TestFileForOneSetting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "as.yaml")
	if err := os.WriteFile(path, []byte(fileWith("push.ring", "7s")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadConfig(path); err != nil {
		t.Error(err)
	}
}
