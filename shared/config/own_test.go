package config_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/config"
)

func TestOwnCredentials(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "word" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, `{"AccessKeyId":"ASIAFETCHED","SecretAccessKey":"s2","Token":"t2","Expiration":"2100-01-01T00:00:00Z"}`)
	}))
	t.Cleanup(server.Close)
	address := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": server.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "word"}
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "ASIAGIVEN", "AWS_SECRET_ACCESS_KEY": "s1", "AWS_SESSION_TOKEN": "t1"}
	for name, c := range map[string]struct {
		variables []map[string]string
		want      string
	}{
		"keys":                {[]map[string]string{keys}, "ASIAGIVEN s1 t1"},
		"an address":          {[]map[string]string{address}, "ASIAFETCHED s2 t2"},
		"keys and an address": {[]map[string]string{keys, address}, "ASIAGIVEN s1 t1"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{
				"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
				"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
			} {
				t.Setenv(name, "")
			}
			for _, variables := range c.variables {
				for name, value := range variables {
					t.Setenv(name, value)
				}
			}
			got, err := config.OwnCredentials().Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.AccessKeyID+" "+got.SecretAccessKey+" "+got.SessionToken); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNoOwnCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(name, "")
	}
	if got, err := config.OwnCredentials().Retrieve(t.Context()); err == nil {
		t.Errorf("got %s from nowhere", got.AccessKeyID)
	}
}
