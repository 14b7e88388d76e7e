/** Under which an archive's index keeps an image's whole name, and its tag alone: containerd's core/images/annotations.go. */
export const imageNameAnnotation = "io.containerd.image.name";
export const refNameAnnotation = "org.opencontainers.image.ref.name";
