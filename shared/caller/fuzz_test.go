package caller_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/caller"
)

// Whoever is proved is whom the verified token names, or whom its holder may act for: nothing else that was sent has a say in it.
func FuzzProve(f *testing.F) {
	f.Add("Bearer a.b.c", "grace")
	f.Add(bearer(f, with(claims{"scope": "arngate/act-as"})), "x")
	f.Add(bearer(f, with(claims{"scp": []string{"arngate/act-as"}, "groups": []string{"staff"}})), " grace\t")
	f.Add(bearer(f, with(claims{"site_id": strings.ToUpper(site), "groups": "x admin"})), "")
	f.Add(bearer(f, `{"iss":"https://id.example","sub":"ada","site_id":"`+site+`","site_id":"`+site+`"}`), "")
	f.Add(bearer(f, `{"iss":"https://id.example","sub":"ada","SUB":"eve","site_id":"`+site+`"}`), "")
	f.Add(bearer(f, with(nil))+","+bearer(f, with(claims{"sub": "eve"})), "")
	f.Fuzz(func(t *testing.T, authorization, acting string) {
		e := caller.Evidence{Issuer: "https://id.example", Subject: "ada", Authorization: authorization, ActingUser: acting, Acts: acting != ""}
		c, err := caller.NewProver(caller.Claims{}).Prove(e)
		if err != nil {
			return
		}
		parts := strings.Split(authorization, ".")
		if len(parts) != 3 {
			t.Fatalf("%q proves %+v", authorization, c)
		}
		text, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		var named map[string]any
		if err := json.Unmarshal(text, &named); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		claimed, _ := named["site_id"].(string)
		if named["sub"] != "ada" || named["iss"] != "https://id.example" || c.Site != strings.ToLower(claimed) || len(c.Site) != 36 {
			t.Errorf("%s proves %+v", text, c)
		}
		user := "ada"
		if e.Acts {
			user = strings.Trim(acting, " \t")
		}
		if c.Actor != "ada" || c.User != user || c.Acting != e.Acts || strings.EqualFold(c.User, caller.AuditUser) {
			t.Errorf("%s, acting for %q, proves %+v", text, acting, c)
		}
		if c.Acting && (len(c.Groups) > 0 || !strings.Contains(string(text), "act-as")) {
			t.Errorf("%s lets act as %+v", text, c)
		}
	})
}
