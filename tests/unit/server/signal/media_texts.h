// media_texts: what browsers say of their media, as JSON with single quotes; for tests and fuzzers of the
// hub.
#ifndef TESTS_UNIT_SERVER_MEDIA_TEXTS_H
#define TESTS_UNIT_SERVER_MEDIA_TEXTS_H

#define EXT_MID_JSON "{'uri':'urn:ietf:params:rtp-hdrext:sdes:mid','id':4}"

// What Chrome sends with `produce`; mid and ssrc are to be filled in.
#define AUDIO_PARAMETERS                                                                                     \
    "{'mid':'%s','codecs':[{'mimeType':'audio/opus','payloadType':111,'clockRate':48000,'channels':2,"       \
    "'parameters':{'minptime':10,'useinbandfec':1},'rtcpFeedback':[{'type':'transport-cc',"                  \
    "'parameter':''}]}],'headerExtensions':[" EXT_MID_JSON "],'encodings':[{'ssrc':%u,'dtx':false}],"        \
    "'rtcp':{'cname':'cname-%s','reducedSize':true},'msid':'stream track'}"
#define VP8_CODECS                                                                                           \
    "'codecs':[{'mimeType':'video/VP8','payloadType':96,'clockRate':90000,'parameters':{},'rtcpFeedback':["  \
    "{'type':'goog-remb','parameter':''},{'type':'transport-cc','parameter':''},{'type':'ccm',"              \
    "'parameter':'fir'},{'type':'nack','parameter':''},{'type':'nack','parameter':'pli'}]},"                 \
    "{'mimeType':'video/rtx','payloadType':97,'clockRate':90000,'parameters':{'apt':96},'rtcpFeedback':[]}]"
#define VIDEO_PARAMETERS                                                                                     \
    "{'mid':'%s'," VP8_CODECS ",'headerExtensions':[" EXT_MID_JSON "],'encodings':[{'ssrc':%u,"              \
    "'rtx':{'ssrc':%u}}],'rtcp':{'cname':'video-cname','reducedSize':true}}"
#define SIMULCAST_PARAMETERS                                                                                 \
    "{'mid':'%s'," VP8_CODECS ",'headerExtensions':[" EXT_MID_JSON                                           \
    ",{'uri':'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id','id':10},"                                      \
    "{'uri':'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id','id':11}],'encodings':["                \
    "{'rid':'r0','scalabilityMode':'L1T3'},{'rid':'r1','scalabilityMode':'L1T3'},"                           \
    "{'rid':'r2','scalabilityMode':'L1T3'}],'rtcp':{'reducedSize':true}}"
#define FINGERPRINT                                                                                          \
    "{'algorithm':'sha-256','value':'00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"                       \
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF'}"

#endif
