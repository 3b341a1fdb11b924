// container: whether this process runs in a container, whose network is usually not the one that clients see.
#ifndef SERVER_CONTAINER_H
#define SERVER_CONTAINER_H

// "Docker", "Podman", "Kubernetes" or "a container", from the marks that they leave in files below `root` (""
// is the real one; tests give another) and in the environment. NULL: none is seen.
const char *container_find(const char *root);

#endif
