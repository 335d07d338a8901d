package measure

import "strings"

// tunedMark is between the name of a policy and the digest of what it was tuned to.
const tunedMark = "@"

// Tuned is the name of a policy under a configuration that is not its default.
func Tuned(policy, digest string) string { return policy + tunedMark + digest }

// Family is the name of the policy of which a name is a configuration: "hpa" of
// "hpa@1f2e3d4c" and of "hpa".
func Family(name string) string {
	family, _, _ := strings.Cut(name, tunedMark)
	return family
}
