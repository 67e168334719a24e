package registry_test

import (
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/registry"
)

func TestLengthsOfAccessKeyIDs(t *testing.T) {
	for length, want := range map[int]bool{15: false, 16: true, 20: true, 128: true, 129: false} {
		p := registry.Provider{Name: "keys", Method: registry.AccessKeys, AccessKeyID: "AKIA" + strings.Repeat("A", length-4)}
		if got := len(p.Validate("aws", "/arngate/")) == 0; got != want {
			t.Errorf("an access key id of %d characters is valid: %t, want %t", length, got, want)
		}
	}
}

func TestLengthsOfRoleNames(t *testing.T) {
	for length, want := range map[int]bool{1: true, 64: true, 65: false} {
		_, err := registry.ParseRoleARN("arn:aws:iam::444455556666:role/arngate/"+strings.Repeat("r", length), "aws", "/arngate/")
		if got := err == nil; got != want {
			t.Errorf("a role's name of %d characters is valid: %t, want %t", length, got, want)
		}
	}
}
